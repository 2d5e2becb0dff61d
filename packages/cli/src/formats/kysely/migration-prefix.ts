/**
 * The beginning of the next migration's name in the convention of the existing ones: a number (`003_`), the
 * time as 14 digits, in milliseconds, or as an ISO date. Kysely runs migrations in the order of their names,
 * so the new name sorts after all existing ones.
 *
 * @param migrations - Names of the existing files.
 * @returns `undefined` if no name in a known convention sorts last.
 */
export function migrationPrefix(migrations: readonly string[], at: Date): string | undefined {
  const names = migrations.map((name) => name.replace(/\.[cm]?[jt]s$/, '')).sort()
  const last = names.at(-1)
  const prefix = last === undefined ? `${at.getTime()}_` : following(last, at)
  return prefix === undefined || names.some((name) => name >= prefix) ? undefined : prefix
}

/** How a date begins a name: `2026-01-31T12:30:00Z`, `2026_01_31`, `20260131123000`. */
const DATE =
  /^(\d{4})([-_.]?)(\d\d)\2(\d\d)(?:([-_.T]?)(\d\d)([-_.:]?)(\d\d)(?:\7(\d\d)(\.\d{3})?(Z?))?)?(?=\D|$)/

function following(last: string, at: Date): string | undefined {
  const date = DATE.exec(last)
  if (date !== null && Number(date[3]) <= 12 && Number(date[1]) >= 2000) return dated(date, last, at)
  const [, number = '', after] = /^(\d+)([_.-]?)/.exec(last) ?? []
  if (number === '') return undefined
  if (number.length === 13) return `${Math.max(at.getTime(), Number(number) + 1)}${after || '_'}`
  const next = String(BigInt(number) + 1n)
  return `${next.padStart(number.length, '0')}${after || '_'}`
}

/** The time in the format of an existing name; one unit after it if that is later. */
function dated(date: RegExpExecArray, last: string, at: Date): string | undefined {
  const after = last[date[0].length]
  const end = after !== undefined && /[_.-]/.test(after) ? after : '_'
  const [, year, between, month, day, before, hours, inside, minutes, seconds, milliseconds, zone] = date
  const unit =
    milliseconds !== undefined
      ? 1
      : seconds !== undefined
        ? 1_000
        : minutes !== undefined
          ? 60_000
          : 86_400_000
  const existing = Date.parse(
    `${year}-${month}-${day}T${hours ?? '00'}:${minutes ?? '00'}:${seconds ?? '00'}${milliseconds ?? '.000'}Z`,
  )
  if (Number.isNaN(existing)) return undefined
  const time = new Date(Math.max(at.getTime(), existing + unit)).toISOString()
  const text = [
    time.slice(0, 10).replaceAll('-', between ?? ''),
    ...(hours === undefined ? [] : [before ?? '', time.slice(11, 13), inside ?? '', time.slice(14, 16)]),
    ...(seconds === undefined ? [] : [inside ?? '', time.slice(17, 19)]),
    milliseconds === undefined ? '' : time.slice(19, 23),
    zone ?? '',
  ].join('')
  return `${text}${end}`
}
