import type { Group } from './group.ts'
import { atOnce } from './groups/at-once.ts'
import { demoStreams } from './groups/demo-streams.ts'
import { executable } from './groups/executable.ts'
import { firstToken } from './groups/first-token.ts'
import { serverAlone } from './groups/server-alone.ts'
import { tenTurns } from './groups/ten-turns.ts'

/** All of them, in the order of the report. */
export const GROUPS: readonly Group[] = [
  { number: 1, title: 'First token', run: firstToken },
  { number: 2, title: 'Many prompts at once', run: atOnce },
  { number: 3, title: 'Streaming with the demo agent', run: demoStreams },
  { number: 4, title: 'The server alone', run: serverAlone },
  { number: 5, title: 'A chat whose history is sent along', run: tenTurns },
  { number: 6, title: 'The executable', run: executable },
]
