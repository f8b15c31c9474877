import type { Environment } from '../options/environment.js';
import { readArguments, USAGE, type DoctorArguments } from './arguments.js';
import { examine } from './doctor.js';
import { Findings } from './findings.js';

/** Where a command gets everything from, and says everything to. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly variables: Environment;
  readonly readFile: (path: string) => string;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Runs the command that the arguments name. @returns its exit status: 0 well, 1 something to mend, 2 not understood */
export async function runCommand({ args, variables, readFile, write, writeError }: Surroundings): Promise<number> {
  let read: DoctorArguments | 'help';
  try {
    read = readArguments(args, variables, readFile);
  } catch (error) {
    writeError(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (read === 'help') {
    write(USAGE);
    return 0;
  }
  const findings = new Findings((line) => write(`${line}\n`));
  await examine(read, findings);
  const { length } = findings.faults;
  write(length === 0 ? '\nNothing to mend.\n' : `\nTo mend: ${length}. See → below each ✗.\n`);
  return length === 0 ? 0 : 1;
}
