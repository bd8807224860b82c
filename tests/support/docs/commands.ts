import { join } from 'node:path'
import type { ArgDef, CommandDef } from 'citty'
import { EXIT, exitCodeFor } from '../../../src/commands/exit-code.ts'
import { ERROR_TABLE, type ErrorCode } from '../../../src/errors.ts'
import { cell } from './schema-table.ts'

/** Every command with its flags, and the exit codes. */
export async function commandsPage(): Promise<string> {
  const commands = await Promise.all((await commandFiles()).map(commandOf))
  const sections = await Promise.all(commands.map((command) => sectionsOf(command, 'clinvk')))
  return `${[HEAD, ...sections.flat(), TAIL, exitTable()].join('\n\n')}\n`
}

const SRC = join(import.meta.dir, '../../../src')

const HEAD = `# Commands

<!-- Generated from src/commands by \`bun run docs\`. -->

Where you use npx, read \`npx clinvk\` for \`clinvk\`. Every command takes \`--help\`; \`clinvk --version\` prints the version. A command or a flag that
does not exist is refused, with the nearest one that does.`

const TAIL = `## Exit codes

No command ends with 4, 6 or 7 so far.`

/** The files that src/main.ts gets its commands from, in its order. */
async function commandFiles(): Promise<string[]> {
  const main = await Bun.file(join(SRC, 'main.ts')).text()
  const files = [...main.matchAll(/import\('\.\/(commands\/[\w-]+\.ts)'\)/g)].map(([, file = '']) => file)
  if (files.length === 0) throw new Error('src/main.ts names no command.')
  return files
}

async function commandOf(file: string): Promise<CommandDef> {
  const module: { default: CommandDef } = await import(join(SRC, file))
  return module.default
}

/** A command, or the commands that it holds. Those that are hidden are not for people. */
async function sectionsOf(command: CommandDef, before: string): Promise<string[]> {
  const { name = '', description = '', hidden } = await resolve(command.meta ?? {})
  if (hidden) return []
  const path = `${before} ${name}`
  const inside = Object.values(await resolve(command.subCommands ?? {}))
  const nested = await Promise.all(inside.map(async (each) => await sectionsOf(await resolve(each), path)))
  const flags = Object.entries(await resolve(command.args ?? {})).map(flagRow)
  const table = flags.length === 0 ? [] : [['| Flag | Meaning |', '|---|---|', ...flags].join('\n')]
  const depth = before.split(' ').length + 1
  return [`${'#'.repeat(depth)} ${path}`, description, ...table, ...nested.flat()]
}

/** citty takes a value, a promise, or a function that makes either. */
async function resolve<T>(value: T | Promise<T> | (() => T | Promise<T>)): Promise<T> {
  return await (value instanceof Function ? value() : value)
}

function flagRow([name, definition]: [string, ArgDef]): string {
  const { type, description = '' } = definition
  const aliases = 'alias' in definition ? [definition.alias ?? []].flat() : []
  const value = type === 'boolean' ? '' : ` ${name.toUpperCase().replaceAll('-', '_')}`
  const flags = [
    `--${name}${value}`,
    ...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`)),
  ]
  const words = type === 'positional' ? [name.toUpperCase()] : flags
  return `| ${words.map((word) => `\`${word}\``).join(', ')} | ${cell(description)} |`
}

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'It did what it was asked, and nothing is wrong.',
  failure: 'It failed, or found something wrong (`doctor`, `service status`).',
  usage: 'A word, a flag or a value is wrong.',
  config: 'The configuration is wrong.',
  session: 'The session cannot be used.',
  backend: 'The backend or its agent cannot be used.',
  timeout: 'It took too long.',
  cancelled: 'It was cancelled.',
}

function exitTable(): string {
  const codes = Object.keys(ERROR_TABLE) as ErrorCode[]
  const rows = Object.entries(EXIT).map(([name, exit]) => {
    const errors = codes.filter((code) => exitCodeFor(code) === exit).map((code) => `\`${code}\``)
    const told = exit === EXIT.failure ? 'every other one' : errors.join(', ')
    return `| ${exit} | ${MEANINGS[name as keyof typeof EXIT]} | ${told} |`
  })
  return ['| Code | Meaning | [Errors](http-api.md#errors) |', '|---|---|---|', ...rows].join('\n')
}
