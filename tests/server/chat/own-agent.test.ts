import { expect, test } from 'bun:test'
import { refuseOwnAgents } from '../../../src/server/chat/own-agent.ts'

const engine = { agentAtWork: (id: string) => (id === 'busy' ? 'claude' : undefined) }
const from = (name: string, id: string) => () => refuseOwnAgents(new Headers({ [name]: id }), engine)

test.each(['X-Claude-Code-Session-Id', 'session-id', 'X-Session-Id'])('%s tells an agent of ours', (name) => {
  expect(from(name, 'busy')).toThrow(
    expect.objectContaining({ code: 'agent_loop', details: { backend: 'claude' } }),
  )
  expect(from(name, 'of somebody else')).not.toThrow()
})
