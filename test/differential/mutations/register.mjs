// `node --import register.mjs --import tsx …`: comes before tsx, so that its hooks get the changed sources.
import { register } from 'node:module'

const patches = JSON.parse(process.env.SLUICE_MUTATION ?? '[]')
register('./patch-hook.mjs', import.meta.url, { data: patches })
