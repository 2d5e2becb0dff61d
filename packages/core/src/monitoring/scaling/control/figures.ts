/** A number as reasons show it. */
export function shown(value: number): string {
  return String(Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(3)))
}

export function percent(share: number): string {
  return `${shown(share * 100)} %`
}

export function workers(count: number): string {
  return `${count} ${count === 1 ? 'worker' : 'workers'}`
}
