import { ClinvkError } from '../../errors.ts'
import { createChannel } from '../../process/channel.ts'
import { type Child, spawnChild } from '../../process/child.ts'
import { readJsonLines } from '../../process/lines.ts'
import { describeEnd } from '../command.ts'
import { takeTurn } from '../take-turn.ts'
import type { BackendSettings, SessionOptions, TurnEvent, TurnInput } from '../types.ts'

/** The member of a JSON line that holds a piece of the answer, unless the operator names another. */
const DEFAULT_TEXT_FIELD = 'text'

/**
 * Runs the command for one turn. `running` holds how to end it while it runs.
 *
 * @throws `agent_failed` when the command ends with another code than 0, with the last words of its stderr.
 */
export async function* runCommand(
  settings: BackendSettings,
  options: Pick<SessionOptions, 'workdir' | 'model'>,
  input: TurnInput,
  signal: AbortSignal,
  running: Set<() => Promise<void>>,
): AsyncGenerator<TurnEvent, void> {
  const child = await spawnChild({ command: settings.command, cwd: options.workdir, env: settings.env })
  const end = async () => void (await child.terminate())
  running.add(end)
  try {
    const events = createChannel<TurnEvent>()
    void child.write(promptText(input)).then(() => child.endInput())
    void readAnswer(child, settings, options.model, events)
    const settled = child.exited.then(() => {})
    yield* takeTurn({ events, settled, interrupt: end, kill: end }, signal)
  } finally {
    running.delete(end)
  }
}

async function readAnswer(
  child: Child,
  settings: BackendSettings,
  model: string | undefined,
  events: ReturnType<typeof createChannel<TurnEvent>>,
): Promise<void> {
  try {
    await events.push({ type: 'init', ...(model === undefined ? {} : { model }) })
    const pieces =
      settings.output === 'json'
        ? jsonPieces(child.stdout, settings.jsonTextField ?? DEFAULT_TEXT_FIELD, settings.name)
        : textPieces(child.stdout)
    for await (const text of pieces) if (text !== '') await events.push({ type: 'text', text }, text.length)
    const status = await child.exited
    if (status.code !== 0)
      throw new ClinvkError(
        'agent_failed',
        `${settings.name} ${describeEnd.ended(status, child.stderrTail())}`,
        {
          details: { backend: settings.name },
        },
      )
    await events.push({ type: 'done', stopReason: 'end_turn' })
    events.end()
  } catch (error) {
    events.end(error)
    await child.terminate()
  }
}

async function* textPieces(output: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  for await (const chunk of output) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

async function* jsonPieces(
  output: AsyncIterable<Uint8Array>,
  field: string,
  name: string,
): AsyncGenerator<string, void> {
  let understood = false
  let other: string | undefined
  const note = (line: string) => {
    other ??= line.slice(0, 200)
  }
  for await (const line of readJsonLines(output, note)) {
    const text = line[field]
    if (typeof text !== 'string') note(JSON.stringify(line))
    else {
      understood = true
      yield text
    }
  }
  // Lines without text are as good as none among others; alone they are no answer.
  if (!understood && other !== undefined)
    throw new ClinvkError(
      'agent_protocol',
      `${name}: no line of its output has a text in "${field}". It wrote: ${other}`,
    )
}

function promptText({ parts }: TurnInput): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}
