/** Statuses of tasks that are not over. */
export const OPEN = `('queued', 'pending', 'retry', 'processing')`

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Safe whatever `standard_conforming_strings` is. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** The tables of a schema, as statements name them. */
export interface TableNames {
  readonly tasks: string
  readonly batches: string
  readonly queues: string
  readonly slots: string
  readonly version: string
}

export function tableNames(schema: string): TableNames {
  const named = (table: string) => `${identifier(schema)}.${table}`
  return {
    tasks: named('job_tasks'),
    batches: named('job_batches'),
    queues: named('job_queues'),
    slots: named('job_slots'),
    version: named('job_version'),
  }
}

/** The channel on which processes tell each other. */
export function channelOf(schema: string): string {
  return `sluice_jobs:${schema}`
}

/** Milliseconds since 1970, of a time. */
export const toMs = (time: string): string => `round(extract(epoch FROM ${time}) * 1000)`

/** A time, of milliseconds since 1970. */
export const fromMs = (ms: string): string => `to_timestamp(${ms} / 1000.0)`

/** So many milliseconds from now, by the server's clock. */
export const afterMs = (ms: string): string => `clock_timestamp() + ${ms} * interval '1 millisecond'`
