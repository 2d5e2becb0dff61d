import type { IndexPreset } from './index-preset.ts'

/** The indexes of the example domain, by table: what is recommended for its tables before anything was observed. */
export const exampleDomain: Readonly<Record<string, readonly IndexPreset[]>> = {
  tiles: [
    { columns: ['id'], primaryKey: true },
    { columns: ['domain'] },
    { columns: ['createdBy'] },
    { columns: ['createdAt'] },
    { columns: ['domain', 'createdAt'] },
    { columns: ['title', 'content'], type: 'fulltext' },
  ],
  inferences: [{ columns: ['id'], primaryKey: true }, { columns: ['createdBy'] }, { columns: ['domains'] }, { columns: ['createdAt'] }],
  users: [{ columns: ['id'], primaryKey: true }, { columns: ['email'], unique: true }, { columns: ['organizationId'] }],
  audit_logs: [
    { columns: ['id'], primaryKey: true },
    { columns: ['userId'] },
    { columns: ['timestamp'] },
    { columns: ['organizationId', 'timestamp'] },
  ],
}
