import type { PlannedRequest } from './requests.ts'

/** Running totals, read before and after each request. */
export interface Meter {
  readonly queries: number
  readonly hits: number
  readonly misses: number
}

export interface Answer extends Meter {
  readonly status: number
  readonly contentType: string | null
  readonly body: Buffer
  readonly ms: number
}

/** Sends the requests sequentially, so that each change of the meter belongs to one request. */
export async function drive(
  origin: string,
  requests: readonly PlannedRequest[],
  readMeter: () => Meter,
  onAnswer: () => void = () => {},
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const request of requests) {
    const before = readMeter()
    const startedAt = performance.now()
    const response = await fetch(new URL(request.path, origin), {
      method: request.method,
      ...(request.body !== undefined && {
        body: JSON.stringify(request.body),
        headers: { 'content-type': 'application/json' },
      }),
    })
    const body = Buffer.from(await response.arrayBuffer())
    const ms = performance.now() - startedAt
    const after = readMeter()
    answers.push({
      status: response.status,
      contentType: response.headers.get('content-type'),
      body,
      ms,
      queries: after.queries - before.queries,
      hits: after.hits - before.hits,
      misses: after.misses - before.misses,
    })
    onAnswer()
  }
  return answers
}
