/** `11.8.6-MariaDB-log` is 11, 8 and 6; what is left out is 0. */
export function versionParts(version: string): readonly [number, number, number] {
  const [, major = 0, minor = 0, patch = 0] = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version) ?? []
  return [Number(major), Number(minor), Number(patch)]
}
