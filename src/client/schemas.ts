/** The schemas of our own API, as they describe, check and document it. */

export { BackendsResponse, HealthResponse } from '../server/meta/schema.ts'
export { PoolResponse } from '../server/meta/schema-pool.ts'
export { Problem, TaskProblem } from '../server/problem.ts'
export { ChainEvent, ChainRequest, ChainResponse } from '../server/rest/chain/schema.ts'
export { CompareEvent, CompareRequest, CompareResponse } from '../server/rest/compare/schema.ts'
export { ParallelEvent, ParallelRequest, ParallelResponse } from '../server/rest/parallel/schema.ts'
export { Run, RunList } from '../server/rest/runs/schema.ts'
export {
  DryRunResponse,
  PromptRequest,
  PromptResponse,
  SessionPrompt,
  StreamEvent,
  TokenUsage,
} from '../server/rest/schema.ts'
export {
  DeletedSession,
  Session,
  SessionChanges,
  SessionList,
  WholeSession,
} from '../server/rest/sessions/schema.ts'
