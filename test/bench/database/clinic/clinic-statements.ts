import type { Dialect } from '@sluice/core'
import { type Clinic, DAY_SHARE, timeText } from './clinic-tables.ts'

/** Alternatives are separated by `|`; an answer that ends early accepts wider indexes. */
type Answer = readonly string[]

export interface ClinicStatement {
  readonly id: string
  /** With `?` for values; one text for each database if they differ, none if the clinic does not use it. */
  readonly sql: string | Partial<Record<Dialect, string>>
  readonly calls: number
  values(clinic: Clinic): readonly unknown[]
  /** Indexes that the statement needs. */
  readonly answer: Answer | Readonly<Record<Dialect, Answer>>
  /** Indexes that are also good for it. */
  readonly allowed?: Answer
  /** The rewrite that it needs, if there is one. */
  readonly rewrite?: string | Partial<Record<Dialect, string>>
}

const none: Answer = []
const recent = (clinic: Clinic): string => timeText(0.8 + clinic.random.next() * 0.19)

export const clinicStatements: readonly ClinicStatement[] = [
  {
    id: 'newest-in-state',
    sql: 'SELECT id, name, registered_at FROM patients WHERE active = ? ORDER BY registered_at DESC LIMIT 20',
    calls: 800,
    values: (clinic) => [clinic.random.below(2)],
    answer: ['patients (active, registered_at)'],
  },
  {
    id: 'by-email',
    sql: 'SELECT id FROM patients WHERE email = ?',
    calls: 900,
    values: (clinic) => [clinic.email()],
    answer: ['patients (email)'],
  },
  {
    id: 'by-email-in-any-case',
    sql: { sqlite: 'SELECT id, name FROM patients WHERE email = ? COLLATE NOCASE' },
    calls: 900,
    values: (clinic) => [clinic.email().toUpperCase()],
    answer: { sqlite: ['patients (email nocase)'], postgresql: none, mysql: none },
  },
  {
    id: 'readings-of-device',
    sql: 'SELECT taken_at, value FROM readings WHERE device_id = ? ORDER BY taken_at DESC LIMIT 50',
    calls: 2_000,
    values: (clinic) => [clinic.device()],
    answer: ['readings (device_id, taken_at) | readings (device_id)'],
  },
  {
    id: 'last-reading',
    sql: 'SELECT max(taken_at) AS last FROM readings WHERE sensor = ?',
    calls: 500,
    values: (clinic) => [clinic.room()],
    answer: ['readings (sensor, taken_at)'],
  },
  {
    id: 'readings-of-sensor-and-device',
    sql: 'SELECT avg(value) AS mean FROM readings WHERE sensor = ? AND device_id = ?',
    calls: 700,
    values: (clinic) => [clinic.room(), clinic.device()],
    answer: ['readings (device_id) | readings (sensor, device_id)'],
  },
  {
    id: 'page-of-visits',
    sql: 'SELECT id, started_at FROM visits WHERE (started_at, id) < (?, ?) ORDER BY started_at DESC, id DESC LIMIT 25',
    calls: 400,
    values: (clinic) => [recent(clinic), clinic.visit()],
    answer: ['visits (started_at)'],
  },
  {
    id: 'page-of-visits-by-or',
    sql: 'SELECT id, kind FROM visits WHERE room = ? AND (started_at < ? OR (started_at = ? AND id < ?)) ORDER BY started_at DESC, id DESC LIMIT 25',
    calls: 300,
    values: (clinic) => {
      const time = timeText(0.1 + clinic.random.next() * 0.3)
      return [clinic.room(), time, time, clinic.visit()]
    },
    answer: ['visits (room, started_at)'],
    rewrite: { postgresql: 'or-to-row-values', sqlite: 'or-to-row-values' },
  },
  {
    id: 'patients-without-visits',
    sql: 'SELECT p.id, p.name FROM patients p LEFT JOIN visits v ON v.patient_id = p.id WHERE v.id IS NULL',
    calls: 5,
    values: () => [],
    answer: { sqlite: ['visits (patient_id)'], postgresql: none, mysql: ['visits (patient_id)'] },
    allowed: ['visits (patient_id)'],
  },
  {
    id: 'visits-of-patients',
    sql: 'SELECT p.id, (SELECT count(*) FROM visits v WHERE v.patient_id = p.id) AS visits FROM patients p ORDER BY p.id LIMIT 50',
    calls: 40,
    values: () => [],
    answer: ['visits (patient_id)'],
  },
  {
    id: 'unpaid',
    sql: 'SELECT id, total, due_on FROM invoices WHERE paid_at IS NULL ORDER BY due_on LIMIT 30',
    calls: 600,
    values: () => [],
    answer: ['invoices (due_on) where paid_at is null | invoices (paid_at, due_on) | invoices (due_on)'],
  },
  {
    id: 'invoice-of-visit',
    sql: 'SELECT id, total FROM invoices WHERE visit_id = ?',
    calls: 900,
    values: (clinic) => [clinic.visit()],
    answer: ['invoices (visit_id)'],
  },
  {
    id: 'far-page',
    sql: 'SELECT id, due_on FROM invoices ORDER BY id LIMIT 20 OFFSET ?',
    calls: 30,
    values: (clinic) => [Math.floor(clinic.sizes.invoices * 0.8)],
    answer: none,
    rewrite: 'offset-to-keyset',
  },
  {
    id: 'visits-of-a-day',
    sql: 'SELECT id, room FROM visits WHERE date(ended_at) = ?',
    calls: 100,
    values: (clinic) => [timeText(clinic.random.next() * (1 - DAY_SHARE)).slice(0, 10)],
    answer: none,
    allowed: ['visits (ended_at)'],
    rewrite: 'function-to-range',
  },
  {
    id: 'either-room-or-kind',
    sql: 'SELECT id, started_at FROM visits WHERE room = ? OR kind = ? ORDER BY id DESC LIMIT 20',
    calls: 200,
    values: (clinic) => [clinic.room(), clinic.room()],
    answer: none,
  },
  {
    id: 'invoice',
    sql: 'SELECT * FROM invoices WHERE id = ?',
    calls: 5_000,
    values: (clinic) => [clinic.visit()],
    answer: none,
  },
]

/** The statement of a database; `undefined` if it is not asked there. */
export function clinicSql({ sql }: ClinicStatement, dialect: Dialect): string | undefined {
  const given = typeof sql === 'string' ? sql : sql[dialect]
  if (dialect !== 'postgresql') return given
  let place = 0
  return given?.replaceAll('?', () => `$${++place}`)
}
