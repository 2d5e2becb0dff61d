/** Whether a value is an object or a function, also of another realm: test files of Jest have their own. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
