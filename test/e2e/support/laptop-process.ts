import { readFileSync } from 'node:fs';
import { readCompany } from '../../../local/entra/index.ts';
import { startLaptop } from '../../../local/laptop.ts';
import type { LaptopProcessOptions, Report } from './laptop-child.ts';

/** The whole laptop in a process of its own, so that it can be killed like one and measured like one. */
const { companyFile, ...options } = JSON.parse(process.argv[2] ?? '') as LaptopProcessOptions;
// Whoever started it may be killed as well; then nobody would end this.
process.once('disconnect', () => process.exit(1));
const laptop = await startLaptop({
  ...options,
  ...(companyFile !== undefined && { company: readCompany(readFileSync(companyFile, 'utf8')) }),
});
const report: Report = { settings: laptop.settings, authority: laptop.entra.authority };
process.send?.(report);
