'use server'

import { db } from './db.js'
import { sluice } from './sluice.js'

export async function rename(data) {
  const change = () =>
    db('city')
      .where({ id: Number(data.get('id')) })
      .update({ name: String(data.get('name')) })
  await sluice.run(change, { name: 'rename' })
}
