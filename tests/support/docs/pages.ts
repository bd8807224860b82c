import { backendsPage } from './backends.ts'
import { chatApisPage } from './chat-apis.ts'
import { commandsPage } from './commands.ts'
import { configurationPage } from './configuration.ts'
import { connectPage } from './connect.ts'
import { fieldsPage } from './fields.ts'
import { httpApiPage } from './http-api.ts'
import { metricsPage } from './metrics.ts'

/** A generated page of the documentation: its path in the project and its text. */
export interface GeneratedPage {
  readonly path: string
  readonly text: string
}

/** Every page that comes from a schema or a declaration. */
export async function generatedPages(): Promise<GeneratedPage[]> {
  return [
    { path: 'docs/configuration.md', text: configurationPage() },
    { path: 'docs/commands.md', text: await commandsPage() },
    { path: 'docs/http-api.md', text: httpApiPage() },
    { path: 'docs/backends.md', text: backendsPage() },
    { path: 'docs/chat-apis.md', text: chatApisPage() },
    { path: 'docs/fields.md', text: fieldsPage() },
    { path: 'docs/connect.md', text: connectPage() },
    { path: 'docs/metrics.md', text: metricsPage() },
  ]
}
