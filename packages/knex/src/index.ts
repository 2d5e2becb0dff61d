export { unsluice, withSluice } from './with-sluice.ts'
