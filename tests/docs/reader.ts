import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentHome, agentEnv, createAgentHome } from '../agents/env.ts'
import { startMockProvider } from '../support/mock-provider/index.ts'
import { processesIn } from '../support/processes.ts'
import { clinvkCommand, startClinvk } from '../support/serve.ts'

/** Somebody who follows a page: an empty folder, curl, clinvk by all its names, and by default the real agents. */
export interface Reader {
  readonly folder: string
  /** Starts what the page starts, on another port; the demo agent is offered in any case. */
  serve(line: string): Promise<void>
  /** A text of the page with the address of the server in place of the one that the page has. */
  here(text: string): string
  /** Runs a block of the page. @throws Error where a line of it fails. */
  run(block: string): Promise<string>
  /** Runs a command that may fail. */
  try(command: string): Promise<{ out: string; errors: string; code: number }>
  /** Ends all. @throws Error where something still runs. */
  leave(): Promise<void>
}

export async function createReader({ agents = true }: { agents?: boolean } = {}): Promise<Reader> {
  const home = await createAgentHome()
  const provider = await startMockProvider()
  const env: Record<string, string> = agents
    ? await agentEnv(provider.url, home, { geminiAttempts: 1 })
    : { PATH: '/usr/bin:/bin', HOME: home.home }
  env['PATH'] = `${await programsIn(home)}:${env['PATH']}`
  let server: Awaited<ReturnType<typeof startClinvk>> | undefined
  const here = (text: string) =>
    text.replaceAll(/http:\/\/(?:localhost|127\.0\.0\.1):8080/g, server?.url ?? '$&')
  const attempt = async (command: string) => {
    const shell = Bun.spawn({
      cmd: ['sh', '-ec', here(command)],
      cwd: home.workdir,
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, errors, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
    return { out, errors, code }
  }
  return {
    folder: home.workdir,
    async serve(line) {
      // The line itself says `serve`, so the word that is put behind it goes.
      server = await startClinvk({
        command: ['sh', '-c', `shift; exec ${line} "$@"`, 'sh'],
        env,
        cwd: home.workdir,
        args: line.includes('--demo') ? [] : ['--demo'],
      })
    },
    here,
    try: attempt,
    async run(block) {
      const { out, errors, code } = await attempt(block)
      if (code !== 0) throw new Error(`It ended with code ${code}: ${errors}${out}\n${block}`)
      return out
    },
    async leave() {
      await server?.stop()
      await provider.stop()
      const left = await processesIn(home.home)
      await home.remove()
      if (left.length > 0) throw new Error(`These still run: ${left.join('\n')}`)
    },
  }
}

/** What stands for the programs that a page begins with. curl says so where the server refuses. */
async function programsIn(home: AgentHome): Promise<string> {
  const bin = join(home.home, 'bin')
  await mkdir(bin)
  const clinvk = clinvkCommand()
    .map((word) => `'${word}'`)
    .join(' ')
  const scripts = {
    clinvk: `exec ${clinvk} "$@"`,
    // That npx and bunx fetch clinvk is tested with the packages.
    npx: 'exec "$@"',
    bunx: 'exec "$@"',
    curl: `PATH=\${PATH#*:}; exec curl --fail-with-body -sS "$@"`,
  }
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, name), 0o755)
  }
  return bin
}
