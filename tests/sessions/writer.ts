/** A process that writes `count` sessions, each with a turn: the test of several processes at once. */
import { openSessionStore } from '../../src/sessions/store.ts'
import { outcome, session } from './support.ts'

const [path = '', name = '', count = '0'] = process.argv.slice(2)
const store = openSessionStore(path)
for (let index = 0; index < Number(count); index += 1) {
  const id = `ses_${name}_${index}`
  store.create(session(id, { createdAt: index }))
  store.beginTurn({ id: `run_${name}_${index}`, sessionId: id, prompt: id, startedAt: index })
  store.endTurn(`run_${name}_${index}`, outcome({ answer: id, endedAt: index }))
  console.log(id)
}
store.close()
