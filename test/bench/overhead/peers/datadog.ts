import { createRequire } from 'node:module'
import { AGENT_URL } from './fake-agent.ts'
import { type Peer, UntracedError } from './peer.ts'

const require = createRequire(import.meta.url)
/** `dd-trace` sends its spans every two seconds. */
const FLUSHES_MS = 3_000

/** `dd-trace` with an agent that only counts. */
export async function startDatadog(): Promise<Peer> {
  const agent = process.env[AGENT_URL] ?? ''
  const spansSoFar = async (): Promise<number> => Number(await (await fetch(agent)).text())
  const before = await spansSoFar()
  Object.assign(process.env, {
    DD_TRACE_AGENT_URL: agent,
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
    DD_TRACE_STARTUP_LOGS: 'false',
  })
  const tracer = (require('dd-trace') as typeof import('dd-trace')).default.init()
  let requests = 0
  return {
    request(fn) {
      requests += 1
      return tracer.trace('GET /page', fn)
    },
    async close() {
      await new Promise((resolve) => setTimeout(resolve, FLUSHES_MS))
      const queries = (await spansSoFar()) - before
      if (queries < requests) throw new UntracedError('dd-trace', queries, requests)
    },
  }
}
