/** A window with a shell, in which a user types. */
export interface Terminal {
  /** Types a line and waits until the shell is ready for the next one. */
  run(line: string): Promise<{ readonly text: string; readonly code: number }>
  /** Types a line and waits until this is on the screen. @throws Error where the line ends before. */
  type(line: string, expected: RegExp): Promise<RegExpExecArray>
  /** The same for keys without the one that ends a line. */
  press(keys: string, expected: RegExp): Promise<RegExpExecArray>
  /** Presses Ctrl-C and waits for the shell: what was printed since, and how the program ended. */
  interrupt(): Promise<{ readonly text: string; readonly code: number }>
  /** Closes the window, whatever runs in it. */
  close(): Promise<void>
}

export const CTRL_C = '\x03'

/** How long a line may take: some fetch a whole Bun. */
const LINE_MS = 120_000

/** The shell is ready for a line, and says how the last one ended. */
const PROMPT = /<(\d+)> $/

/** The beginning of a line, where the cursor went back to its first column. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a terminal is told
const OVERWRITTEN = /[^\n]*\x1b\[(?:0|1)?G/g

/** Opens a window of its own session on this machine. */
export async function openTerminal(env: Record<string, string>, folder: string): Promise<Terminal> {
  let screen = ''
  let changed = Promise.withResolvers<void>()
  const decoder = new TextDecoder()
  const shell = Bun.spawn({
    cmd: ['sh', '-i'],
    cwd: folder,
    env: { ...env, TERM: 'xterm', PS1: '<$?> ' },
    terminal: {
      // Wide enough that no line is broken.
      cols: 1000,
      rows: 50,
      data(_, bytes) {
        screen += decoder.decode(bytes, { stream: true })
        changed.resolve()
        changed = Promise.withResolvers()
      },
    },
  })
  const { terminal } = shell
  if (!terminal) throw new Error('There are no terminals on this system.')

  const since = (mark: number) => {
    // A wheel that turns is overwritten by what comes after it.
    const seen = screen.slice(mark).replaceAll(OVERWRITTEN, '').replaceAll('\r\n', '\n')
    return Bun.stripANSI(seen)
  }
  /** Waits until something is on the screen that was not there at the mark. */
  async function shown(mark: number, expected: RegExp): Promise<RegExpExecArray> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error(`${expected} was not shown within ${LINE_MS} ms:\n${since(mark)}`)),
      LINE_MS,
    )
    try {
      for (;;) {
        const text = since(mark)
        const found = expected.exec(text)
        if (found) return found
        if (PROMPT.test(text)) throw new Error(`The line ended without ${expected}:\n${text}`)
        await Promise.race([changed.promise, late.promise])
      }
    } finally {
      clearTimeout(timer)
    }
  }
  async function press(keys: string, expected: RegExp) {
    const mark = screen.length
    terminal?.write(keys)
    return await shown(mark, expected)
  }
  async function finish(keys: string) {
    const { input, index, 1: code } = await press(keys, PROMPT)
    return { text: input.slice(0, index), code: Number(code) }
  }

  await shown(0, PROMPT)
  return {
    async run(line) {
      const { text, code } = await finish(`${line}\r`)
      // What was typed is on the screen as well.
      return { text: text.slice(text.indexOf('\n') + 1), code }
    },
    type: (line, expected) => press(`${line}\r`, expected),
    press,
    interrupt: () => finish(CTRL_C),
    async close() {
      terminal.close()
      await shell.exited
    },
  }
}
