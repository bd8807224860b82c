import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './execute.ts'

const BASE = /^ARG DEBIAN=(debian:(\w+)-slim)$/m

/** The Debian that the image is made of, which is the one that we try things in. */
export async function pinnedDebian(
  root: string,
): Promise<{ readonly image: string; readonly suite: string }> {
  const [, image, suite] = BASE.exec(await readFile(join(root, 'Dockerfile'), 'utf8')) ?? []
  if (!image || !suite) throw new Error('The Dockerfile names no Debian to start from.')
  return { image, suite }
}

/** What Debian calls this kind of machine. */
function debianArch(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}

/** Why this process can make no tree of Debian; undefined where it can. */
export function noDebian(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can'
  return Bun.which('apt-get') ? undefined : 'this is no Debian'
}

/** Installs those of Debian's packages on this machine that are missing. */
export async function needPackages(names: readonly string[]): Promise<void> {
  const info = (name: string) => `/var/lib/dpkg/info/${name}.list`
  const missing = names.filter(
    (name) => !existsSync(info(name)) && !existsSync(info(`${name}:${debianArch()}`)),
  )
  if (missing.length === 0) return
  await must(['apt-get', 'update', '--quiet'])
  const install = ['apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...missing]
  await must(install, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}
