#!/usr/bin/env node
import { Logger } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { processEnvironment } from '../options/environment.js';
import { readArguments, USAGE, type DoctorArguments } from './arguments.js';
import { examine } from './doctor.js';
import { Findings } from './findings.js';

function argumentsOrUsage(): DoctorArguments | 'help' | undefined {
  try {
    return readArguments(process.argv.slice(2), processEnvironment(), (path) => readFileSync(path, 'utf8'));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const read = argumentsOrUsage();
  if (read === undefined) return 2;
  if (read === 'help') {
    write(USAGE);
    return 0;
  }
  Logger.overrideLogger(false); // what the library would log, the findings say
  const findings = new Findings(write);
  await examine(read, findings);
  const { length } = findings.faults;
  write(length === 0 ? '\nNothing to mend.' : `\nTo mend: ${length}. See → below each ✗.`);
  return length === 0 ? 0 : 1;
}

process.exitCode = await main();
