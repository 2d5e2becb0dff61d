type Parts = readonly [number, number, number]

/** `7.10.0` of `7.10.0-dev.1`. */
export function versionParts(version: string): Parts {
  const [major = 0, minor = 0, patch = 0] = (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
  return [major, minor, patch]
}

/** @param range - Of `>=1.2` and `^1.2.3`, joined with `||`. */
export function isInRange(version: string, range: string): boolean {
  const parts = versionParts(version)
  return range.split('||').some((part) => {
    const least = versionParts(part)
    if (isBelow(parts, least)) return false
    if (part.includes('~')) return parts[0] === least[0] && parts[1] === least[1]
    return !part.includes('^') || parts[0] === least[0]
  })
}

export function isBelow(left: Parts, right: Parts): boolean {
  const at = left.findIndex((part, index) => part !== right[index])
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0)
}
