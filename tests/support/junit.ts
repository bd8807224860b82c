/** What a report of `bun test --reporter=junit` counts. A test that was skipped is not passed. */
export function countTests(xml: string): { passed: number; failed: number; skipped: number } {
  const root = xml.match(/<testsuites[^>]*>/)?.[0] ?? ''
  const number = (name: string) => Number(root.match(new RegExp(`${name}="(\\d+)"`))?.[1] ?? 0)
  const failed = number('failures') + number('errors')
  const skipped = number('skipped')
  return { passed: number('tests') - failed - skipped, failed, skipped }
}
