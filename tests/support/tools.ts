/** A program of the system that a test cannot do without: a machine that lacks it gets it, and no test is skipped. */
export async function needTool(program: string, debianPackage: string): Promise<string> {
  const found = Bun.which(program)
  if (found) return found
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  for (const words of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', debianPackage],
  ])
    await Bun.spawn({ cmd: [...sudo, ...words], stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' }).exited
  const installed = Bun.which(program)
  if (!installed) throw new Error(`${program} is needed: install ${debianPackage}.`)
  return installed
}
