const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `18,402`; small ones with a digit after the point. */
export function count(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? grouped.format(value) : value.toFixed(value < 10 ? 1 : 0)
}

/** `38%`; less than one is `<1%`. */
export function percent(share: number): string {
  const value = share * 100
  if (value > 0 && value < 1) return '<1%'
  return `${Math.round(value)}%`
}

/** `4 MB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

/** `312 ms`, `4.1 s`, `2.6 min`, `12 min`. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(ms < 0.1 ? 3 : 2)} ms`
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 600_000) return `${(ms / 60_000).toFixed(1)} min`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
