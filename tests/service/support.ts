import type { RunTool, ServiceSpec, ToolOutcome } from '../../src/service/types.ts'

/** Texts that mean something to a unit file, to XML, to a shell or to a pattern of file names. */
export const NASTY = [
  'with space',
  '100%',
  '%h/%%',
  '$HOME',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is none
  '${HOME}$$',
  'say "hi"',
  "it's",
  'back\\slash\\',
  '<a&b>',
  '&amp;',
  ']]>',
  '-->',
  '*?[a]',
  '#no comment',
  ';',
  '@:+!-',
  '€ ü 🙂',
  '--',
  '',
]

export function specOf(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    command: ['/usr/local/bin/clinvk', 'serve', '--port', '8080'],
    variables: { PATH: '/usr/local/bin:/usr/bin' },
    envFile: '/home/me/.clinvk/env',
    drainSecs: 30,
    flags: { port: '8080' },
    ...more,
  }
}

/** A runner of tools that runs none, and tells what it was asked. Commands that begin with what `fails` holds fail. */
export function recordingTool(fails: Readonly<Record<string, string>> = {}) {
  const asked: string[] = []
  const run: RunTool = async (command): Promise<ToolOutcome> => {
    const words = command.join(' ')
    asked.push(words)
    const failing = Object.keys(fails).find((beginning) => words.startsWith(beginning))
    return failing === undefined
      ? { ok: true, stdout: '', complaint: '' }
      : { ok: false, stdout: '', complaint: fails[failing] ?? '' }
  }
  return { asked, run }
}
