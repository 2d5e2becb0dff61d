export { cached } from './cached.ts'
export { unsluice, withSluice } from './with-sluice.ts'
