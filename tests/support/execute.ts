/** How a command ended, and what it printed. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface ExecuteOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly stdin?: string | undefined
}

/** Runs a command to its end. */
export async function execute(
  cmd: readonly string[],
  { env, stdin = '' }: ExecuteOptions = {},
): Promise<Outcome> {
  const child = Bun.spawn({
    cmd: [...cmd],
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    ...(env ? { env } : {}),
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

/** The same, for what has to succeed. @throws Error with its output. */
export async function must(cmd: readonly string[], options: ExecuteOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await execute(cmd, options)
  if (code !== 0) throw new Error(`${cmd.join(' ')} ended with code ${code}:\n${stdout}${stderr}`)
  return stdout
}
