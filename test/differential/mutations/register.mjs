// `node --import register.mjs --import tsx …`: precedes tsx, so that its hooks receive the changed sources.
import { register } from 'node:module'

const patches = JSON.parse(process.env.SLUICE_MUTATION ?? '[]')
register('./patch-hook.mjs', import.meta.url, { data: patches })
