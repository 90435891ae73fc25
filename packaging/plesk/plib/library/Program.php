<?php

/**
 * Runs the nsbridge of this extension, without a shell.
 */
class Modules_Nsbridge_Program
{
    /** Exit statuses of nsbridge: a person must look, and that it cannot work. */
    public const DIFFERENCES = 1;
    public const UNUSABLE = 78;

    /** How long a command may take, in seconds, before it is ended. */
    private const PATIENCE = 300;
    private const GRACE = 30;

    /**
     * Returns the path of the program for this processor.
     *
     * @throws pm_Exception if there is none, or if it must not be executed
     */
    public static function path(): string
    {
        $path = rtrim(pm_Context::getPlibDir(), '/') . '/bin/nsbridge-' . php_uname('m');
        if (!is_file($path)) {
            throw new pm_Exception(pm_Locale::lmsg('programAbsent', ['path' => $path]));
        }
        // Unpacking may have lost the bit, and a fresh answer is needed after chmod.
        if (!is_executable($path) && @chmod($path, 0755)) {
            clearstatcache();
        }
        if (!is_executable($path)) {
            throw new pm_Exception(pm_Locale::lmsg('programNotExecutable', ['path' => $path]));
        }
        return $path;
    }

    /**
     * Runs a command and returns its document.
     *
     * @return array with `status`, `results` and `messages`
     * @throws pm_Exception if the program cannot be run or prints something else
     */
    public static function ask(array $arguments, string $input = '', ?string $configuration = null): array
    {
        $stream = tmpfile();
        fwrite($stream, $input);
        $said = self::run(array_merge($arguments, ['--output', 'json']), $stream, $configuration);
        $document = json_decode($said['stdout'], true);
        if (!isset($document['status'], $document['results'], $document['messages'])) {
            $cause = trim($said['stderr']) ?: "status {$said['status']}";
            throw new pm_Exception(pm_Locale::lmsg('programFailed', ['cause' => $cause]));
        }
        return $document;
    }

    /**
     * Runs a command that only looks, and returns its results.
     *
     * @throws pm_Exception if it could not look: no results would be no news otherwise
     */
    public static function look(array $arguments): array
    {
        $document = self::ask($arguments);
        if (!in_array($document['status'], [0, self::DIFFERENCES], true)) {
            throw new pm_Exception(Modules_Nsbridge_Words::messages($document));
        }
        return $document['results'];
    }

    /**
     * Runs a command with a file as its input, and returns its status and what it printed.
     *
     * @param resource $input a file, read from its beginning
     */
    public static function run(array $arguments, $input, ?string $configuration = null): array
    {
        $program = self::path();
        if ($configuration === null) {
            $configuration = Modules_Nsbridge_Configuration::path();
            if (!Modules_Nsbridge_Configuration::exists()) {
                throw new pm_Exception(pm_Locale::lmsg('notConfigured'));
            }
        }
        $command = array_merge([$program], $arguments, ['--config', $configuration]);
        return self::execute($command, $input);
    }

    /**
     * Runs any command. Files in place of pipes cannot fill up and block it.
     *
     * @param resource $input a file, read from its beginning
     */
    public static function execute(array $command, $input): array
    {
        $stdout = tmpfile();
        $stderr = tmpfile();
        rewind($input);
        $process = @proc_open($command, [$input, $stdout, $stderr], $pipes, '/', ['PATH' => '/usr/bin:/bin']);
        if (!is_resource($process)) {
            throw new pm_Exception(pm_Locale::lmsg('programFailed', ['cause' => $command[0]]));
        }
        $end = time() + self::PATIENCE;
        do {
            usleep(2000);
            $state = proc_get_status($process);
            if ($state['running'] && time() >= $end) {
                // What does not end when asked to is killed.
                proc_terminate($process, time() >= $end + self::GRACE ? 9 : 15);
            }
        } while ($state['running']);
        proc_close($process);
        rewind($stdout);
        rewind($stderr);
        return [
            'status' => $state['signaled'] ? 128 + $state['termsig'] : $state['exitcode'],
            'stdout' => stream_get_contents($stdout),
            'stderr' => stream_get_contents($stderr),
        ];
    }
}
