import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../support/checks.ts'
import { execute, must, type Outcome } from '../support/execute.ts'

/** Docker Compose, with Docker or with Podman behind it. */
export interface Composer {
  run(words: readonly string[]): Promise<Outcome>
  /** Runs a command where published ports are reached. */
  reach(words: readonly string[]): Promise<Outcome>
  /** Has the health of containers looked at, until it is called off. */
  tend(containers: readonly string[]): () => void
  close(): Promise<void>
}

export async function dockerComposer(): Promise<Composer | { readonly reason: string }> {
  if ((await execute(['docker', 'compose', 'version'])).code !== 0)
    return { reason: 'Docker has no plugin for Compose here.' }
  return {
    run: (words) => execute(['docker', 'compose', ...words]),
    reach: (words) => execute(words),
    tend: () => () => {},
    close: async () => {},
  }
}

/** What Debian's Docker Compose is unpacked to. */
const PLUGIN = 'usr/libexec/docker/cli-plugins/docker-compose'

/** Unpacks Docker Compose of the Debian in a tree, where this machine's may be of another age. */
export async function fetchCompose(tree: string, folder: string): Promise<void> {
  const script =
    'cd /var/cache/apt/archives && apt-get update --quiet && apt-get download --quiet docker-compose'
  await must(['chroot', tree, 'sh', '-c', script])
  await must([
    'sh',
    '-c',
    'dpkg-deb -x "$0"/var/cache/apt/archives/docker-compose_*.deb "$1"',
    tree,
    join(folder, 'compose'),
  ])
}

interface PodmanParts {
  readonly folder: string
  /** How Podman is called, with the store that it shares. */
  readonly prefix: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** Docker Compose with Podman as its engine, whose bridges and ports are in a network namespace of their own. */
export async function podmanComposer({ folder, prefix, env }: PodmanParts): Promise<Composer> {
  const socket = join(folder, 'podman.sock')
  await mkdir(join(folder, 'networks'), { recursive: true })
  const own = [...prefix, '--network-config-dir', join(folder, 'networks')]
  const service = Bun.spawn({
    cmd: [
      ...['unshare', '--net', '--mount', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...own],
      ...['system', 'service', '--time=0', `unix://${socket}`],
    ],
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  await eventually(async () => {
    if (!existsSync(socket)) throw new Error('Podman does not listen to Compose.')
  })
  const inside = ['nsenter', '--target', String(service.pid), '--net', '--mount']
  const podman = (words: readonly string[]) => execute([...inside, ...own, ...words], { env })
  return {
    run: (words) =>
      execute([join(folder, 'compose', PLUGIN), ...words], {
        env: { ...env, DOCKER_HOST: `unix://${socket}` },
      }),
    reach: (words) => execute([...inside, ...words]),
    // By itself Podman has systemd do that.
    tend(containers) {
      let tending = true
      void (async () => {
        while (tending) {
          for (const name of containers) await podman(['healthcheck', 'run', name])
          await Bun.sleep(500)
        }
      })()
      return () => {
        tending = false
      }
    },
    async close() {
      await podman(['rm', '--all', '--force', '--volumes'])
      await podman(['unmount', '--all'])
      service.kill()
      await service.exited
      // What watched a command of `exec` would stay for minutes, to be asked how that ended.
      await execute(['pkill', '--full', `conmon .*${folder}/`])
    },
  }
}
