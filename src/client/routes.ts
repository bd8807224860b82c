import type { createApp } from '../server/app.ts'

/**
 * What can be asked of the server and what it answers, as the app's own types say it. The package holds these types
 * written out, so that its users need neither the server's types nor the framework's.
 */
export type Routes = ReturnType<typeof createApp>['~Routes']
