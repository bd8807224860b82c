#!/usr/bin/env -S bun --no-env-file --config=/dev/null --tsconfig-override=/dev/null
import { isMainThread } from 'node:worker_threads'
import { defineCommand } from 'citty'
import { runCli } from './commands/run-cli.ts'
import { VERSION } from './version.ts'

const main = defineCommand({
  meta: {
    name: 'clinvk',
    version: VERSION,
    description: 'One HTTP server for the coding-agent CLIs you already use.',
  },
  subCommands: {
    serve: () => import('./commands/serve.ts').then((module) => module.default),
    doctor: () => import('./commands/doctor.ts').then((module) => module.default),
    connect: () => import('./commands/connect.ts').then((module) => module.default),
    backends: () => import('./commands/backends.ts').then((module) => module.default),
    service: () => import('./commands/service.ts').then((module) => module.default),
    openapi: () => import('./commands/openapi.ts').then((module) => module.default),
    version: () => import('./commands/version.ts').then((module) => module.default),
    'demo-agent': () => import('./commands/demo-agent.ts').then((module) => module.default),
  },
})

// Bundled or compiled, threads begin here as well.
if (isMainThread) process.exitCode = await runCli(main, process.argv.slice(2))
else await import('./engine/check-thread.ts')
