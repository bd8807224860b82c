import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needPackages, noDebian, pinnedDebian } from '../support/debian.ts'
import { execute, must, type Outcome } from '../support/execute.ts'
import { type Composer, dockerComposer, fetchCompose, podmanComposer } from './composer.ts'

/** What builds and runs images: Docker, or Podman with a base image that is made here. */
export interface ContainerEngine {
  readonly name: 'docker' | 'podman'
  /** Its build and what was made for it: what differs from a user's machine. */
  readonly notes: readonly string[]
  /** Builds the image of a folder under a name. @throws Error with the output. */
  build(image: string, folder: string): Promise<void>
  /** Docker Compose with it. */
  composer(): Promise<Composer | { readonly reason: string }>
  /** Runs one of its commands. */
  run(words: readonly string[], stdin?: string): Promise<Outcome>
  /** Removes all that it kept, as far as that is ours alone. */
  close(): Promise<void>
}

/** The tools of Debian that stand in for a Docker engine and its registry. */
const PACKAGES = ['debootstrap', 'podman', 'runc', 'netavark', 'aardvark-dns', 'iptables', 'iproute2']

/**
 * Docker where an engine answers; else Podman, installed from Debian's packages, with an own store and a base image
 * from debootstrap under the name that the Dockerfile uses.
 *
 * @returns the reason where there can be none.
 */
export async function findEngine(root: string): Promise<ContainerEngine | { readonly reason: string }> {
  if (Bun.which('docker') && (await execute(['docker', 'info'])).code === 0) return docker()
  const reason = noDebian()
  if (reason)
    return { reason: `No Docker engine answers, and a base image cannot be made instead: ${reason}.` }
  return await podman(root)
}

function docker(): ContainerEngine {
  return {
    name: 'docker',
    notes: [],
    async build(image, folder) {
      await must(['docker', 'build', '--tag', image, ...buildSecrets(await npmSecrets()), folder])
    },
    composer: dockerComposer,
    run: (words, stdin) => execute(['docker', ...words], { stdin }),
    close: async () => {},
  }
}

async function podman(root: string): Promise<ContainerEngine> {
  await needPackages(PACKAGES)
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-docker-'))
  const settings = join(folder, 'containers.conf')
  await writeFile(settings, await containersConf())
  const store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--runtime', 'runc']
  const prefix = ['podman', '--storage-driver', 'overlay', ...store]
  const env = { ...process.env, CONTAINERS_CONF: settings, TMPDIR: folder }
  const close = async () => {
    await execute([...prefix, 'rm', '--all', '--force', '--volumes'], { env })
    await execute([...prefix, 'unmount', '--all'], { env })
    await execute(['umount', join(folder, 'store', 'overlay')])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const name = await makeBase(root, folder, prefix, env)
    return {
      name: 'podman',
      notes: [`Podman was used for Docker, and debootstrap for Docker Hub's ${name}.`],
      async build(image, context) {
        const fixed = ['--format', 'docker', '--isolation', 'chroot', '--pull=never', '--layers']
        const secrets = buildSecrets(await npmSecrets(folder))
        await must([...prefix, 'build', ...fixed, ...secrets, '--tag', image, context], { env })
      },
      composer: () => podmanComposer({ folder, prefix, env }),
      run: (words, stdin) => execute([...prefix, ...words], { env, stdin }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function makeBase(
  root: string,
  folder: string,
  podman: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { image, suite } = await pinnedDebian(root)
  const tree = join(folder, 'base')
  await must(['debootstrap', '--variant=minbase', suite, tree])
  await fetchCompose(tree, folder)
  await must(['chroot', tree, 'apt-get', 'clean'])
  const archive = join(folder, 'base.tar')
  await must(['tar', '-C', tree, '-cf', archive, '.'])
  await rm(tree, { recursive: true })
  await must([...podman, 'import', archive, `docker.io/library/${image}`], { env })
  await rm(archive)
  return image
}

/** No systemd, and no higher limits than this process has itself. */
async function containersConf(): Promise<string> {
  const limits = await readFile('/proc/self/limits', 'utf8')
  const files = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? '1024'
  return `[containers]
default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]
[network]
network_backend = "netavark"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`
}

/** The certificates that this machine's npm trusts, for the build alone. */
async function npmSecrets(folder?: string): Promise<Readonly<Record<string, string>>> {
  const cafile = (await execute(['npm', 'config', 'get', 'cafile'])).stdout.trim()
  if (folder === undefined || !existsSync(cafile)) return {}
  await mkdir(folder, { recursive: true })
  const npmrc = join(folder, 'npmrc')
  await writeFile(npmrc, 'cafile=/run/secrets/ca\n')
  return { npmrc, ca: cafile }
}

function buildSecrets(secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets).flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`])
}
