import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')

/** A fenced block of a page. */
export interface Block {
  readonly page: string
  /** Of its first line, from 1. */
  readonly line: number
  /** What stands behind the fence: `sh`, `json`, … */
  readonly language: string
  readonly text: string
  /** The comment right above it, or the one that says it of the whole page, without the marks of a comment. */
  readonly mark?: string
  /** The block is what the one before it prints. */
  readonly answers: boolean
}

/** README.md, that of the package, and every page of `docs/`, as paths in the project. */
export async function allPages(): Promise<string[]> {
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md')).sort()
  return ['README.md', 'packaging/README.md', ...pages.map((name) => `docs/${name}`)]
}

async function textOf(page: string): Promise<string> {
  return await readFile(join(ROOT, page), 'utf8')
}

/** `<!-- run by FILE -->` or `<!-- not run: WHY -->`; `all` in front says it of every block of the page. */
const MARK = /^<!-- ((?:all )?(?:run by|not run:) .*?) -->$/
/** What only prints: it stands behind the command that prints it. */
const PRINTED = new Set(['json', 'jsonl', 'text'])

export async function blocksOf(page: string): Promise<Block[]> {
  const lines = (await textOf(page)).split('\n')
  const whole = lines.map((line) => MARK.exec(line)?.[1]).find((mark) => mark?.startsWith('all '))
  const blocks: Block[] = []
  let end = -1
  for (let index = 0; index < lines.length; index += 1) {
    const language = /^```(.*)$/.exec(lines[index] ?? '')?.[1]
    if (language === undefined) continue
    const close = lines.indexOf('```', index + 1)
    if (close < 0) throw new Error(`${page}:${index + 1} has no end.`)
    const mark = MARK.exec(lines[index - 1] ?? '')?.[1] ?? whole?.slice('all '.length)
    // Nothing but an empty line is between a command and what it prints.
    const answers = blocks.length > 0 && end === index - 2 && PRINTED.has(language)
    const text = lines.slice(index + 1, close).join('\n')
    blocks.push({ page, line: index + 1, language, text, answers, ...(mark !== undefined && { mark }) })
    end = close
    index = close
  }
  return blocks
}

/** The commands within sentences, each with its line: code that begins with the name of a program, or a variable for it. */
export async function inlineCommandsOf(page: string): Promise<{ line: number; command: string }[]> {
  const text = (await textOf(page)).replaceAll(/^```.*?^```/gms, (block) => block.replaceAll(/[^\n]/g, ' '))
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(/`((?:[A-Z_]+=\S+ )?([a-z]+) [^`]+)`/g)]
      .filter(([, , program = '']) => PROGRAMS.has(program))
      .map(([, code = '']) => code)
      .map((command) => ({ line: index + 1, command: command.replaceAll('\\|', '|') })),
  )
}

const PROGRAMS = new Set([
  ...[
    'aider',
    'apk',
    'apt',
    'brew',
    'bun',
    'bunx',
    'claude',
    'clinvk',
    'cline',
    'codex',
    'curl',
    'docker',
    'echo',
  ],
  ...['export', 'gemini', 'git', 'journalctl', 'launchctl', 'loginctl', 'npm', 'npx', 'opencode', 'podman'],
  ...['sudo', 'systemctl', 'tail', 'xattr'],
])

/** The addresses that a page links to inside the project. */
export async function linksOf(page: string): Promise<{ line: number; target: string }[]> {
  return (await textOf(page)).split('\n').flatMap((line, index) =>
    [...line.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ line: index + 1, target })),
  )
}

/** The addresses of a page's headings, as GitHub makes them. */
export async function anchorsOf(page: string): Promise<Set<string>> {
  const headings = (await textOf(page)).replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}
