import { planTasks } from '../../../engine/orchestrate/check.ts'
import { comparisonOptions, toComparison } from '../../../engine/orchestrate/compare.ts'
import { runParallel } from '../../../engine/orchestrate/parallel.ts'
import { invalidFields } from '../../validate.ts'
import { fromTask } from '../tasks/from-task.ts'
import { serveTasks, type TasksOptions, toTold } from '../tasks/serve-tasks.ts'
import type { CompareRequest } from './schema.ts'
import { toCompareResponse } from './to-response.ts'

/** @throws ClinvkError that names what is wrong with any of the backends, before one has begun. */
export async function serveCompare(
  body: CompareRequest,
  request: Request,
  options: TasksOptions,
): Promise<Response> {
  const { engine, defaults } = options
  const { backends } = body
  const dryRun = body.dry_run ?? defaults.dryRun
  return await serveTasks('compare', body, request, options, async () => {
    checkBackends(backends)
    const tasks = toComparison(fromTask(body, dryRun), backends)
    const planned = await planTasks(engine, tasks, (index, field) =>
      field === 'backend' || field === '' ? `backends[${index}]` : field,
    )
    const limits = comparisonOptions(backends, body.sequential ?? false)
    return {
      told: planned.map((task) => toTold(task, body, {}, options)),
      run: (running, signal) => runParallel(running, planned, limits, signal),
      toAnswer: (results, durationMs) => toCompareResponse(body, results, durationMs),
    }
  })
}

function checkBackends(backends: readonly string[]): void {
  const twice = backends.flatMap((name, index) =>
    backends.indexOf(name) === index
      ? []
      : [{ path: `backends[${index}]`, message: `is ${JSON.stringify(name)} again.` }],
  )
  if (twice.length > 0) throw invalidFields(twice)
}
