import { checkEach, inList, planTasks } from '../../../engine/orchestrate/check.ts'
import { runParallel } from '../../../engine/orchestrate/parallel.ts'
import { fromTask } from '../tasks/from-task.ts'
import { serveTasks, type TasksOptions, toTold } from '../tasks/serve-tasks.ts'
import { MAX_PARALLEL, type ParallelRequest } from './schema.ts'
import { toParallelResponse } from './to-response.ts'

/** @throws ClinvkError that names what is wrong with any of the tasks, before one has begun. */
export async function serveParallel(
  body: ParallelRequest,
  request: Request,
  options: TasksOptions,
): Promise<Response> {
  const { engine, defaults, parallel } = options
  const dryRun = body.dry_run ?? defaults.dryRun
  return await serveTasks('parallel', body, request, options, async () => {
    const pathOf = inList('tasks')
    const tasks = await checkEach(body.tasks, pathOf, async (task) => ({
      ...fromTask(task, dryRun),
      body: task,
    }))
    const planned = await planTasks(engine, tasks, pathOf)
    const limits = {
      atMost: body.max_parallel ?? Math.min(parallel.maxParallel, MAX_PARALLEL),
      failFast: body.fail_fast ?? parallel.failFast,
    }
    return {
      told: planned.map((task, index) => {
        const { name } = task.body
        return toTold(task, task.body, { task: index, ...(name === undefined ? {} : { name }) }, options)
      }),
      run: (running, signal) => runParallel(running, planned, limits, signal),
      toAnswer: (results, durationMs) => toParallelResponse(body.tasks, results, durationMs),
    }
  })
}
