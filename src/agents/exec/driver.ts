import { ClinvkError } from '../../errors.ts'
import { findProgram } from '../../process/child.ts'
import { describeEnd, MODEL_PLACEHOLDER } from '../command.ts'
import type { AgentDriver, BackendSettings, Capabilities, Probe, SessionOptions } from '../types.ts'
import { runCommand } from './run-command.ts'

/**
 * Any command as a backend: started once a turn, prompt on stdin, answer on stdout, as text or as JSON lines.
 * It has no conversation, so a session of it takes one turn. `{model}` in its arguments is where a model goes.
 */
export function createExecDriver(settings: BackendSettings): AgentDriver {
  const running = new Set<() => Promise<void>>()
  return {
    name: settings.name,
    driver: 'exec',
    capabilities: execCapabilities(settings),
    probe: async () => probeProgram(settings),
    async open(options) {
      let used = false
      return {
        id: undefined,
        get alive() {
          return !used
        },
        async *prompt(input, signal) {
          if (used)
            throw new ClinvkError(
              'unsupported_option',
              `${settings.name} keeps no conversation to go on with.`,
            )
          used = true
          yield* runCommand(
            { ...settings, command: commandLine(settings, options) },
            options,
            input,
            signal,
            running,
          )
        },
        async close() {},
      }
    },
    async close() {
      await Promise.all([...running].map((end) => end()))
    },
  }
}

/** What a command can do, which depends on what its command line has a place for. */
export function execCapabilities({ command }: BackendSettings): Capabilities {
  return {
    deltas: true,
    thinking: false,
    toolEvents: false,
    usage: false,
    cost: false,
    images: 'none',
    systemPrompt: 'none',
    model: command.some((word) => word.includes(MODEL_PLACEHOLDER)) ? 'native' : 'none',
    maxTurns: 'none',
    maxTokens: 'none',
    allowedTools: 'none',
    extraFlags: 'native',
    resume: false,
    fork: false,
    history: 'none',
    documents: 'none',
    profiles: ['full'],
    effort: 'none',
    jsonSchema: 'none',
    clientTools: 'none',
    toolChoice: 'none',
    approvalModes: { default: 'native' },
    sandboxModes: { default: 'native' },
  }
}

/** The command line of one turn. Throws `invalid_request` where the command needs a model and none is named. */
export function commandLine(
  { name, command, extraFlags, models }: BackendSettings,
  options: Pick<SessionOptions, 'model' | 'extraFlags'>,
): string[] {
  const model = options.model ?? models[0]
  const words = command.map((word) => {
    if (!word.includes(MODEL_PLACEHOLDER)) return word
    if (model === undefined)
      throw new ClinvkError(
        'invalid_request',
        `${name} needs a model: name one in the request, or set backends.${name}.model in the configuration.`,
      )
    return word.replaceAll(MODEL_PLACEHOLDER, model)
  })
  return [...words, ...extraFlags, ...(options.extraFlags ?? [])]
}

function probeProgram({ command, env, models, installHint }: BackendSettings): Probe {
  const [program = ''] = command
  const available = findProgram(program, env) !== undefined
  return {
    available,
    ready: available,
    models,
    ...(available ? {} : { reason: installHint ?? describeEnd.notFound(program) }),
  }
}
