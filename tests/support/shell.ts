/** Runs a line of a document as a reader's shell would, against a server of ours in place of the one it names. */
export async function runExample(command: string, url: string): Promise<string> {
  const line = command.replaceAll(/http:\/\/(?:localhost|127\.0\.0\.1):8080/g, url)
  const shell = Bun.spawn({ cmd: ['sh', '-ec', line], stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, errors, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
  if (code !== 0) throw new Error(`It ended with code ${code}: ${errors}\n${line}`)
  return out
}
