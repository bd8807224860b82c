import { stripVTControlCharacters } from 'node:util'
import { type ArgsDef, type CommandDef, renderUsage, runCommand } from 'citty'
import { nearest } from '../config/nearest.ts'
import { ClinvkError, toClinvkError } from '../errors.ts'
import { VERSION } from '../version.ts'
import { EXIT, exitCodeFor } from './exit-code.ts'

/**
 * Runs the command line and resolves with its exit code. citty itself accepts flags it does not know, prints
 * usage to stdout and ends every failure with 1; this checks the words first and tells errors in one line.
 */
export async function runCli(main: CommandDef, words: readonly string[]): Promise<number> {
  try {
    const path = await findCommand(main, words)
    const flags = path.rest.filter((word) => word.startsWith('-'))
    if (flags.includes('--version') && path.parents.length === 0) {
      console.log(VERSION)
      return EXIT.ok
    }
    if (flags.includes('--help') || flags.includes('-h') || path.unfinished) {
      const known = ['--help', '-h', '--version']
      if (path.unfinished) checkFlags(path.name, path.rest, known)
      const usage = await renderUsage(path.command, path.parents.at(-1))
      console.log(process.stdout.isTTY ? usage : stripVTControlCharacters(usage))
      return EXIT.ok
    }
    const args = await resolve<ArgsDef>(path.command.args ?? {})
    checkWords(path.name, args, path.rest)
    await runCommand(path.command, { rawArgs: [...path.rest] })
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok
  } catch (thrown) {
    return report(thrown)
  }
}

interface FoundCommand {
  readonly name: string
  readonly command: CommandDef
  readonly parents: readonly CommandDef[]
  /** The words after the command's name. */
  readonly rest: readonly string[]
  /** It only holds other commands and none of them was named. */
  readonly unfinished: boolean
}

async function findCommand(main: CommandDef, words: readonly string[]): Promise<FoundCommand> {
  const parents: CommandDef[] = []
  let command = main
  let name = 'clinvk'
  let rest = words
  while (command.subCommands) {
    const known = await resolve<Record<string, unknown>>(command.subCommands)
    const [word] = rest
    if (word === undefined || word === 'help' || word.startsWith('-'))
      return { name, command, parents, rest, unfinished: true }
    const next = Object.hasOwn(known, word) ? known[word] : undefined
    if (!next) {
      const meant = nearest(word, Object.keys(known))
      if (/\s/.test(word) && parents.length === 0)
        throw new UsageError(
          'there is no command for a prompt yet: start "clinvk serve" and send it to POST /api/v1/prompt.',
        )
      throw new UsageError(
        `there is no command "${word}"${meant ? `; did you mean "${meant}"?` : '.'} See ${name} --help.`,
      )
    }
    parents.push(command)
    command = await resolve<CommandDef>(next)
    name = `${name} ${word}`
    rest = rest.slice(1)
  }
  return { name, command, parents, rest, unfinished: false }
}

/** citty takes lazy values everywhere: a value, a promise, or a function that makes either. */
async function resolve<T>(value: unknown): Promise<T> {
  return (await (typeof value === 'function' ? value() : value)) as T
}

function checkWords(name: string, args: ArgsDef, words: readonly string[]): void {
  const known = new Map<string, ArgsDef[string]>()
  for (const [flag, definition] of Object.entries(args)) {
    if (definition.type === 'positional') continue
    known.set(`--${flag}`, definition)
    const aliases = 'alias' in definition ? [definition.alias ?? []].flat() : []
    for (const alias of aliases) known.set(alias.length === 1 ? `-${alias}` : `--${alias}`, definition)
  }
  const room = Object.values(args).filter(({ type }) => type === 'positional').length
  let positionals = 0
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word === '--') return
    if (!word.startsWith('-') || word === '-') {
      positionals += 1
      if (positionals > room) throw new UsageError(`"${word}" is one word too many. See ${name} --help.`)
      continue
    }
    const [flag = '', value] = word.split(/=(.*)/s)
    const definition = known.get(flag) ?? negated(flag, known)
    if (!definition) throw unknownFlag(name, flag, known.keys())
    if (definition.type === 'boolean') {
      if (value !== undefined)
        throw new UsageError(`${flag} is a switch and takes no value. See ${name} --help.`)
      continue
    }
    if (value === undefined) index += 1
    const given = value ?? words[index]
    if (given === undefined || given === '')
      throw new UsageError(`${flag} needs a value. See ${name} --help.`)
  }
}

/** @throws UsageError for a flag before any command that none of them has. */
function checkFlags(name: string, words: readonly string[], known: readonly string[]): void {
  for (const word of words)
    if (word.startsWith('-') && !known.includes(word)) throw unknownFlag(name, word, known)
}

function unknownFlag(name: string, flag: string, known: Iterable<string>): UsageError {
  const meant = nearest(flag, known)
  return new UsageError(`unknown flag ${flag}${meant ? `; did you mean ${meant}?` : '.'} See ${name} --help.`)
}

function negated(flag: string, known: ReadonlyMap<string, ArgsDef[string]>): ArgsDef[string] | undefined {
  if (!flag.startsWith('--no-')) return undefined
  const definition = known.get(`--${flag.slice('--no-'.length)}`)
  return definition?.type === 'boolean' ? definition : undefined
}

class UsageError extends Error {}

function report(thrown: unknown): number {
  if (thrown instanceof UsageError) {
    console.error(`clinvk: ${thrown.message}`)
    return EXIT.usage
  }
  // citty's own complaints about arguments.
  if (thrown instanceof Error && thrown.name === 'CLIError') {
    console.error(`clinvk: ${thrown.message}`)
    return EXIT.usage
  }
  const error = toClinvkError(thrown)
  console.error(`clinvk: ${error.message}`)
  if (!(thrown instanceof ClinvkError)) console.error(thrown)
  return exitCodeFor(error.code)
}
