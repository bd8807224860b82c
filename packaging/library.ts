import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as schemas from '../src/client/schemas.ts'
import { runBun } from './compile.ts'

const ROOT = join(import.meta.dir, '..')
const EDEN = join(ROOT, 'node_modules/@elysiajs/eden')

/**
 * Writes what the package exports: the typed client, the schemas and the description of the API, with declarations
 * that need no other package but TypeBox, and that only where its values are used.
 */
export async function writeLibrary(lib: string): Promise<void> {
  // Its readers see what they run.
  for (const name of ['client', 'schemas'])
    await runBun([
      'build',
      '--target=browser',
      '--format=esm',
      `src/client/${name}.ts`,
      `--outfile=${join(lib, `${name}.js`)}`,
    ])
  await copyFile(join(ROOT, 'docs/openapi.json'), join(lib, 'openapi.json'))
  await writeDeclarations(lib)
  await writeEden(join(lib, 'eden'))
}

const NAMES = Object.keys(schemas)

/**
 * TypeScript writes types out where they are those of values. So the routes, and what each schema stands for, are
 * declared as values, and nothing of how the server is made is left in their types.
 */
const WRITTEN_OUT = `import type { Static } from '@sinclair/typebox'
import type { Routes } from '../../src/client/routes.ts'
import type * as schemas from '../../src/client/schemas.ts'
declare function all<T>(): T
export const api = all<Routes['api']>()
export const health = all<Routes['health']>()
${NAMES.map((name) => `export const ${name} = all<Static<typeof schemas.${name}>>()\n`).join('')}`

async function writeDeclarations(lib: string): Promise<void> {
  // In the checkout, so that packages are found from there.
  const parent = join(ROOT, 'dist')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'types-'))
  try {
    await writeFile(join(folder, 'types.ts'), WRITTEN_OUT)
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: '../..',
        outDir: 'out',
      },
      include: [],
      files: ['types.ts', '../../src/client/client.ts'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    // It complains of declarations elsewhere that nobody asked for, and writes no file that it complains of.
    await runBun(['x', '--bun', '--no-install', 'tsc', '-p', folder]).catch(() => {})
    const types = await readFile(join(folder, 'out', folder.slice(ROOT.length + 1), 'types.d.ts'), 'utf8')
    if (types.includes('import(')) throw new Error('The written out types name others.')
    const client = await readFile(join(folder, 'out/src/client/client.d.ts'), 'utf8')
    await writeFile(
      join(lib, 'types.d.ts'),
      types.replace(/^ +/gm, (spaces) => '\t'.repeat(spaces.length / 4)),
    )
    await writeFile(join(lib, 'client.d.ts'), toPackage(client))
    await writeFile(join(lib, 'schemas.d.ts'), SCHEMAS)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function toPackage(client: string): string {
  const text = client
    .replace("'@elysiajs/eden/treaty2'", "'./eden/treaty2/types.js'")
    .replace(
      "import type { Routes } from './routes.ts';\n",
      "import type { api, health } from './types.js';\ntype Routes = { api: typeof api; health: typeof health };\n",
    )
  if (/from '(?!\.\/(?:eden|types))/.test(text))
    throw new Error('The declarations of the client need others.')
  return text
}

const SCHEMAS = `import type { TUnsafe } from '@sinclair/typebox';
import type * as types from './types.js';
${NAMES.map((name) => `export type ${name} = typeof types.${name};\nexport declare const ${name}: TUnsafe<${name}>;\n`).join('')}`

/** Eden's own types as they are. They name three of Elysia's, which would bring all of it along. */
async function writeEden(folder: string): Promise<void> {
  for (const [path, elysia] of [
    ['treaty2/types.d.ts', '../elysia.js'],
    ['treaty2/ws.d.ts', '../elysia.js'],
    ['types.d.ts', './elysia.js'],
    ['errors.d.ts', './elysia.js'],
  ] as const) {
    const text = await readFile(join(EDEN, 'dist', path), 'utf8')
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(
      join(folder, path),
      text.replace(/from '(\.[^']*)'/g, "from '$1.js'").replace("from 'elysia'", `from '${elysia}'`),
    )
  }
  await writeFile(join(folder, 'elysia.d.ts'), ELYSIA)
  await cp(join(EDEN, 'LICENSE'), join(folder, 'LICENSE'))
}

const ELYSIA = `export declare const ELYSIA_FORM_DATA: unique symbol;
export type Elysia<_A, _B, _C, _D, _E, _F, _G> = { readonly '~Routes': unknown };
export interface InputSchema<_Name extends string = string> {
	body?: any;
	headers?: any;
	query?: any;
	params?: any;
	response?: any;
}
`
