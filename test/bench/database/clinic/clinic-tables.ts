import type { Dialect } from '@sluice/core'
import { Random } from '../../../support/random.ts'

export type ClinicValue = string | number | null

/** Rows of the clinic's tables at scale 1. */
const SIZES = { staff: 400, patients: 20_000, visits: 60_000, invoices: 50_000, readings: 120_000 }
export type ClinicTable = keyof typeof SIZES

const DAYS = 180
const START = Date.UTC(2025, 0, 1)
const DAY_MS = 86_400_000
const WORDS = 'ash bay cob dew elm fir gum hop ivy jay kit lea moss nut oak pea rye sap tea yew'.split(' ')

/** `2025-03-01 09:30:00`: the same text in every database. */
export function timeText(share: number): string {
  const time = new Date(START + Math.floor(share * DAYS * 86_400) * 1_000)
  return time.toISOString().slice(0, 19).replace('T', ' ')
}

/** The rows of the clinic: few values, many values, mostly one value, and NULLs. */
export class Clinic {
  readonly sizes: Readonly<Record<ClinicTable, number>>

  constructor(
    readonly random: Random,
    scale: number,
  ) {
    const scaled = Object.entries(SIZES).map(([name, size]) => [name, Math.ceil(size * scale)])
    this.sizes = { ...(Object.fromEntries(scaled) as Record<ClinicTable, number>), staff: SIZES.staff }
  }

  patient = (): number => this.random.below(this.sizes.patients) + 1
  employee = (): number => this.random.below(this.sizes.staff) + 1
  visit = (): number => this.random.below(this.sizes.visits) + 1
  device = (): number => this.random.below(600) + 1
  room = (): number => this.random.below(10) + 1
  email = (at = this.patient()): string => `${at % 3 === 0 ? 'Q' : 'q'}${at}@example.org`
  name = (): string => `${this.random.pick(WORDS)} ${this.random.pick(WORDS)} ${this.random.below(500)}`

  row(table: ClinicTable, id: number): ClinicValue[] {
    const { random } = this
    const share = random.next()
    switch (table) {
      case 'staff':
        return [id, this.name(), random.below(12)]
      case 'patients':
        return [id, this.email(id), this.name(), random.chance(0.96) ? 1 : 0, timeText(share)]
      case 'visits':
        return [
          id,
          this.patient(),
          this.employee(),
          this.room(),
          random.below(9) + 1,
          timeText(share),
          random.chance(0.98) ? timeText(Math.min(1, share + 0.01)) : null,
        ]
      case 'invoices':
        return [
          id,
          this.visit(),
          random.below(90_000),
          timeText(share).slice(0, 10),
          random.chance(0.97) ? timeText(share) : null,
        ]
      case 'readings':
        return [id, this.device(), random.below(10) + 1, timeText(id / (this.sizes.readings + 1)), share]
    }
  }
}

export function createClinic(seed: number, scale: number): Clinic {
  return new Clinic(new Random(seed), scale)
}

type Kind = 'key' | 'int' | 'text' | 'time' | 'time?' | 'day' | 'real'

const TABLES: Readonly<Record<ClinicTable, readonly (readonly [name: string, kind: Kind])[]>> = {
  staff: [
    ['id', 'key'],
    ['name', 'text'],
    ['ward', 'int'],
  ],
  patients: [
    ['id', 'key'],
    ['email', 'text'],
    ['name', 'text'],
    ['active', 'int'],
    ['registered_at', 'time'],
  ],
  visits: [
    ['id', 'key'],
    ['patient_id', 'int'],
    ['staff_id', 'int'],
    ['room', 'int'],
    ['kind', 'int'],
    ['started_at', 'time'],
    ['ended_at', 'time?'],
  ],
  invoices: [
    ['id', 'key'],
    ['visit_id', 'int'],
    ['total', 'int'],
    ['due_on', 'day'],
    ['paid_at', 'time?'],
  ],
  readings: [
    ['id', 'int'],
    ['device_id', 'int'],
    ['sensor', 'int'],
    ['taken_at', 'time'],
    ['value', 'real'],
  ],
}

const TYPES: Readonly<Record<Dialect, Readonly<Record<Kind, string>>>> = {
  sqlite: {
    key: 'INTEGER PRIMARY KEY',
    int: 'INTEGER NOT NULL',
    text: 'TEXT NOT NULL',
    time: 'DATETIME NOT NULL',
    'time?': 'DATETIME',
    day: 'DATE NOT NULL',
    real: 'REAL NOT NULL',
  },
  postgresql: {
    key: 'INTEGER PRIMARY KEY',
    int: 'INTEGER NOT NULL',
    text: 'TEXT NOT NULL',
    time: 'TIMESTAMP NOT NULL',
    'time?': 'TIMESTAMP',
    day: 'DATE NOT NULL',
    real: 'DOUBLE PRECISION NOT NULL',
  },
  mysql: {
    key: 'INTEGER PRIMARY KEY',
    int: 'INTEGER NOT NULL',
    text: 'VARCHAR(120) NOT NULL',
    time: 'DATETIME NOT NULL',
    'time?': 'DATETIME',
    day: 'DATE NOT NULL',
    real: 'DOUBLE NOT NULL',
  },
}

const PARTS = 6

/** `CREATE TABLE`s without indexes. On PostgreSQL, the readings are partitioned by time. */
export function clinicDdl(dialect: Dialect): string[] {
  return Object.entries(TABLES).flatMap(([name, columns]) => {
    const lines = columns.map(([column, kind]) => `${column} ${TYPES[dialect][kind]}`)
    if (name === 'invoices' && dialect !== 'mysql')
      lines.push('FOREIGN KEY (visit_id) REFERENCES visits (id)')
    if (name !== 'readings' || dialect !== 'postgresql') return [`CREATE TABLE ${name} (${lines.join(', ')})`]
    const parts = Array.from({ length: PARTS }, (_, at) => {
      const [from, to] = [timeText(at / PARTS), timeText((at + 1) / PARTS)]
      return `CREATE TABLE readings_${at} PARTITION OF readings FOR VALUES FROM ('${from}') TO ('${to}')`
    })
    return [`CREATE TABLE readings (${lines.join(', ')}) PARTITION BY RANGE (taken_at)`, ...parts]
  })
}

/** The tables in an order in which their rows can be inserted. */
export const clinicTables: readonly ClinicTable[] = ['staff', 'patients', 'visits', 'invoices', 'readings']

export const DAY_SHARE: number = DAY_MS / (DAYS * DAY_MS)
