import type { Server } from 'node:http'
import type { RequestHandler } from 'express'
import { createApp } from './app.ts'
import { type Clients, openClients } from './clients.ts'
import type { DatabaseTarget } from './database-target.ts'
import { type Answer, drive, type Meter } from './drive.ts'
import { graphqlEndpoint } from './graphql/graphql-endpoint.ts'
import { listen, type RunningServer } from './listen.ts'
import type { PlannedRequest } from './requests.ts'
import type { SluicedApp } from './sluice.ts'
import { StatementCounter } from './statement-counter.ts'
import { createWorkingCopy, type WorkingCopy } from './working-copy.ts'

/** One serving app on a separate database. */
export interface Session {
  readonly origin: string
  readonly clients: Clients
  drive(requests: readonly PlannedRequest[], onAnswer?: () => void): Promise<Answer[]>
  close(): Promise<void>
}

export interface SessionOptions {
  /** The database as loaded; the session works on a copy. */
  readonly loaded: DatabaseTarget
  /** Default: the app without Sluice. */
  readonly sluiced?: SluicedApp
  /** @defaultValue any free port */
  readonly port?: number
  readonly operations?: RequestHandler
  readonly keptResponses?: RequestHandler
  /** Given the server before it listens. */
  readonly prepare?: (server: Server) => void
}

/** Opens the clients and serves the app. If this fails, it closes everything. */
export async function openSession({
  loaded,
  sluiced,
  port = 0,
  operations,
  keptResponses,
  prepare,
}: SessionOptions): Promise<Session> {
  const copy = await createWorkingCopy(loaded)
  const counter = new StatementCounter()
  const clients = openClients(copy.target, counter, sluiced?.plugin)
  const graphql = graphqlEndpoint({ prisma: clients.prisma, sluice: sluiced?.sluice })
  const app = createApp({
    ...clients,
    graphql,
    operations,
    keptResponses,
    ...(sluiced && { middleware: sluiced.middleware }),
  })
  try {
    const server = await listen(app, port, prepare)
    return {
      origin: server.origin,
      clients,
      drive: (requests, onAnswer) =>
        drive(server.origin, requests, () => readMeter(counter, sluiced), onAnswer),
      close: () => closeAll(copy, clients, server),
    }
  } catch (error) {
    await closeAll(copy, clients)
    throw error
  }
}

function readMeter(counter: StatementCounter, sluiced: SluicedApp | undefined): Meter {
  const kept = sluiced?.sluice.getResultStats()
  if (kept === undefined) return { queries: counter.statements, hits: 0, misses: 0 }
  // An invalidated entry was found but is a miss: only served reads count.
  return {
    queries: counter.statements,
    hits: kept.hits + kept.graceHits + kept.coalesced,
    misses: kept.loads + kept.blocked,
  }
}

async function closeAll(copy: WorkingCopy, clients: Clients, server?: RunningServer): Promise<void> {
  await server?.close()
  await clients.close()
  copy.remove()
}

/** Resolves at Ctrl-C, or when the process is asked to end. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
