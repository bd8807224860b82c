import manifest from '../package.json' with { type: 'json' }
import { programName, TARGETS, type Target } from './targets.ts'

const { version, description, license, homepage, repository, bugs, engines } = manifest
// npm signs where a package comes from only where that is the repository that it names.
const common = { version, description, license, homepage, repository, bugs }

/** The name of the package that holds the executable for a platform. */
export function packageName({ name }: Pick<Target, 'name'>): string {
  return `clinvk-${name}`
}

/** The package.json of the package that people install. */
export function mainManifest() {
  return {
    name: manifest.name,
    ...common,
    keywords: ['acp', 'agents', 'claude', 'codex', 'gemini', 'opencode', 'llm', 'server'],
    type: manifest.type,
    engines: { ...engines, node: '>=20' },
    bin: { clinvk: 'bin/clinvk.mjs' },
    exports: {
      './client': { types: './lib/client.d.ts', default: './lib/client.js' },
      './schemas': { types: './lib/schemas.d.ts', default: './lib/schemas.js' },
      './openapi.json': './lib/openapi.json',
      './package.json': './package.json',
    },
    files: ['bin', 'lib', 'THIRD-PARTY-NOTICES'],
    optionalDependencies: Object.fromEntries(TARGETS.map((target) => [packageName(target), version])),
    // Only the types of clinvk/schemas are in its words.
    peerDependencies: { '@sinclair/typebox': '^0.34.0' },
    peerDependenciesMeta: { '@sinclair/typebox': { optional: true } },
  }
}

/** The package.json of the package with the executable for a platform. */
export function platformManifest(target: Target) {
  const { name, os, cpu, libc } = target
  return {
    name: packageName(target),
    ...common,
    description: `The executable of clinvk for ${name}. Install clinvk, which brings it along.`,
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    preferUnplugged: true,
    files: [programName(target), 'THIRD-PARTY-NOTICES'],
  }
}
