/** A platform that clinvk is built for. */
export interface Target {
  /** In names of files and packages. */
  readonly name: string
  /** What Bun calls it. */
  readonly bun: string
  /** As `process.platform` and `process.arch` say it, which is also what package.json takes. */
  readonly os: 'linux' | 'darwin' | 'win32'
  readonly cpu: 'x64' | 'arm64'
  /** The C library of Linux, in the words of package.json. */
  readonly libc?: 'glibc' | 'musl'
}

export const TARGETS: readonly Target[] = [
  { name: 'linux-x64', bun: 'bun-linux-x64', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { name: 'linux-x64-musl', bun: 'bun-linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { name: 'linux-arm64', bun: 'bun-linux-arm64', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { name: 'linux-arm64-musl', bun: 'bun-linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'darwin-x64', bun: 'bun-darwin-x64', os: 'darwin', cpu: 'x64' },
  { name: 'darwin-arm64', bun: 'bun-darwin-arm64', os: 'darwin', cpu: 'arm64' },
  { name: 'windows-x64', bun: 'bun-windows-x64', os: 'win32', cpu: 'x64' },
]

/** The platform that this runs on. @throws Error where it is none of ours. */
export function thisTarget(): Target {
  const { platform, arch } = process
  const musl = platform === 'linux' && isMusl()
  const found = TARGETS.find(
    ({ os, cpu, libc }) => os === platform && cpu === arch && (libc === 'musl') === musl,
  )
  if (!found) throw new Error(`clinvk is not built for ${platform} on ${arch}.`)
  return found
}

/** The name of the program's file. */
export function programName({ os }: Pick<Target, 'os'>, name = 'clinvk'): string {
  return os === 'win32' ? `${name}.exe` : name
}

/** A Bun for musl has musl's loader as its interpreter, and no glibc to report. */
function isMusl(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined
}
