// Runs a real app without and with Sluice on the same requests, and compares: responses, statements, CPU.
// `pnpm test:apps <app> [--rounds 9] [--requests 60] [--modes bare,observe,trace,optimize,register-optimize]
// [--seed 1] [--delay 0] [--pause 0] [--node 24.21.0]`. The modes `register-observe`, `register-optimize` and
// `register-cache` attach Sluice without an edit of the app. `nest` and `vendure` have only these. Installs
// the app from npm, in SLUICE_APPS_FOLDER (default: a folder of the user's cache), which later runs reuse.
// `--delay` is the latency between app and database in milliseconds, for each way; `--pause` is the time
// before each request.
import { parseArgs } from 'node:util'
import { conduit } from './conduit.ts'
import { ghost } from './ghost.ts'
import { install } from './install.ts'
import { keystone } from './keystone.ts'
import { nest } from './nest.ts'
import { payload } from './payload.ts'
import { printReport } from './report.ts'
import { runApp } from './run-app.ts'
import { strapi } from './strapi.ts'
import { vendure } from './vendure.ts'

const APPS = [conduit, ghost, keystone, nest, payload, strapi, vendure]
const MODES = ['bare', 'observe', 'trace', 'optimize', 'register-optimize']
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '60' },
    modes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    delay: { type: 'string', default: '0' },
    pause: { type: 'string', default: '0' },
    // The oldest long-term release on which scopes do not add a cost to each promise of the app.
    node: { type: 'string', default: '24.21.0' },
  },
})
const app = APPS.find(({ name }) => name === positionals[0])
const options = {
  rounds: Number(values.rounds),
  requests: Number(values.requests),
  seed: Number(values.seed),
  modes: values.modes?.split(',') ?? app?.modes ?? MODES,
  delayMs: Number(values.delay),
  pauseMs: Number(values.pause),
}
if (
  app === undefined ||
  !(options.rounds > 0 && options.requests > 0) ||
  !(options.delayMs >= 0 && options.pauseMs >= 0) ||
  options.modes[0] !== 'bare'
) {
  console.error(
    `Expected one of ${APPS.map(({ name }) => name).join(', ')}, numbers above 0, and modes that begin with "bare".`,
  )
  process.exit(2)
}
const report = await runApp(app, install(app, values.node), options)
printReport(report)
process.exitCode = report.differences.length === 0 ? 0 : 1
