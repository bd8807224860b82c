import { isOpen } from '../banner.ts'
import { fileKey, quoted, shellKey, shellText } from './keys.ts'
import type { Target, Tool } from './types.ts'

/** A container has a loopback of its own. */
function fromContainer({ url }: Target): string[] {
  const { hostname } = new URL(url)
  if (isOpen(hostname)) return []
  return [
    `In a container ${hostname} is the container itself: give --url http://host.docker.internal:PORT, add that name to server.allowed_hosts, and let clinvk listen where the container reaches it, with keys.`,
  ]
}

/** Chat user interfaces. */
export const CHAT_TOOLS: readonly Tool[] = [
  {
    name: 'open-webui',
    title: 'Open WebUI',
    pieces: (target) => [
      {
        where: 'In the environment that Open WebUI is started with (docker run -e …).',
        language: 'sh',
        text: `export ENABLE_OPENAI_API=True
export OPENAI_API_BASE_URLS=${shellText(`${target.url}/openai/v1`)}
export OPENAI_API_KEYS=${shellKey(target)}
export ENABLE_OLLAMA_API=False
export ENABLE_TITLE_GENERATION=False
export ENABLE_TAGS_GENERATION=False
export ENABLE_FOLLOW_UP_GENERATION=False
`,
      },
    ],
    check: ({ model }) => `Choose ${model} above a new chat and ask it something.`,
    notes: (target) => [
      'It reads these at its first start alone; later they are in Admin Panel, Settings, Connections (or start it with ENABLE_PERSISTENT_CONFIG=False).',
      'The last three switch off what it would ask the model by itself after each answer. Each would run an agent.',
      ...fromContainer(target),
    ],
  },
  {
    name: 'librechat',
    title: 'LibreChat',
    pieces: (target) => [
      {
        where: 'Beside its .env; in a file that is there, the entry of endpoints.custom.',
        file: 'librechat.yaml',
        language: 'yaml',
        text: `version: 1.3.17
endpoints:
  custom:
    - name: clinvk
      apiKey: ${quoted(fileKey(target, (name) => `\${${name}}`))}
      baseURL: ${quoted(`${target.url}/openai/v1`)}
      models:
        default: [${quoted(target.model)}]
        fetch: true
      titleConvo: false
      modelDisplayLabel: clinvk
`,
      },
    ],
    check: ({ model }) => `Choose clinvk and ${model} above a new chat and ask it something.`,
    notes: (target) => [
      'titleConvo: true with a small titleModel has conversations named; each costs a run of an agent.',
      ...(target.needsKey ? ['The key goes into its .env, as CLINVK_API_KEY=…'] : []),
      ...fromContainer(target),
    ],
  },
]
