import { runChain } from '../../../engine/orchestrate/chain.ts'
import { checkEach, inList } from '../../../engine/orchestrate/check.ts'
import { planChain } from '../../../engine/orchestrate/plan-chain.ts'
import { fromTask } from '../tasks/from-task.ts'
import { serveTasks, type TasksOptions, toTold } from '../tasks/serve-tasks.ts'
import type { ChainRequest } from './schema.ts'
import { toChainResponse } from './to-response.ts'

/** @throws ClinvkError that names what is wrong with any of the steps, before one has begun. */
export async function serveChain(
  body: ChainRequest,
  request: Request,
  options: TasksOptions,
): Promise<Response> {
  const { engine, defaults } = options
  const dryRun = body.dry_run ?? defaults.dryRun
  return await serveTasks('chain', body, request, options, async () => {
    const steps = await checkEach(body.steps, inList('steps'), (step) => ({
      ...fromTask(step, dryRun),
      ...(step.name === undefined ? {} : { name: step.name }),
    }))
    const chain = await planChain(engine, {
      steps,
      ...(body.input === undefined ? {} : { input: body.input }),
      stopOnFailure: body.stop_on_failure ?? true,
      passWorkdir: body.pass_working_dir ?? false,
      passSession: body.pass_session ?? false,
    })
    return {
      told: chain.steps.map((step, index) => {
        const { name } = step
        const label = { step: index, ...(name === undefined ? {} : { name }) }
        return toTold(step, body.steps[index] ?? {}, label, options)
      }),
      run: (running, signal) => runChain(running, chain, signal),
      toAnswer: (results, durationMs) => toChainResponse(body.steps, results, durationMs),
    }
  })
}
