import { join } from 'node:path'
import { mainManifest, packageName, platformManifest } from '../../packaging/manifests.ts'
import { TARGETS, thisTarget } from '../../packaging/targets.ts'
import { builtPackages } from '../support/built.ts'

/** A registry of npm on loopback that has our packages and nothing else. */
export interface Registry {
  readonly url: string
  /** The packages whose tarballs were fetched, by name. */
  fetched(): string[]
  stop(): Promise<void>
}

interface Manifest {
  readonly name: string
  readonly version: string
}

/** Publishes what `bun run pack` makes; of other platforms there is only what their package.json says. */
export async function startRegistry({ withExecutable = true } = {}): Promise<Registry> {
  const packed = await builtPackages()
  const documents = new Map<string, unknown>()
  const fetched: string[] = []
  const tarball = ({ name, version }: Manifest) => `${name}-${version}.tgz`
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const path = new URL(request.url).pathname.slice(1)
      const document = documents.get(path)
      if (document) return Response.json(document)
      const [name, file] = path.split('/-/')
      if (!name || !file || !documents.has(name)) return new Response('{}', { status: 404 })
      fetched.push(name)
      return new Response(Bun.file(join(packed, file)))
    },
  })
  const url = `http://127.0.0.1:${server.port}/`
  async function publish(manifest: Manifest, isThere: boolean): Promise<void> {
    const { name, version } = manifest
    const file = Bun.file(join(packed, tarball(manifest)))
    const digest = new Bun.CryptoHasher('sha512').update(isThere ? await file.bytes() : '').digest('base64')
    const dist = { tarball: `${url}${name}/-/${tarball(manifest)}`, integrity: `sha512-${digest}` }
    documents.set(name, {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist } },
    })
  }
  await publish(mainManifest(), true)
  const here = packageName(thisTarget())
  for (const target of TARGETS) {
    const isHere = packageName(target) === here
    if (withExecutable || !isHere) await publish(platformManifest(target), isHere)
  }
  return {
    url,
    fetched: () => fetched.toSorted(),
    stop: () => server.stop(true),
  }
}
