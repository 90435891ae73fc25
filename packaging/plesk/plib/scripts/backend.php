<?php

// Plesk calls this for each change of a zone, with JSON on standard input, and logs what it prints.

pm_Loader::registerAutoload();
pm_Context::init('nsbridge');

$input = tmpfile();
stream_copy_to_stream(STDIN, $input);
$calls = [
    static function () use ($input) {
        return Modules_Nsbridge_Program::run(['plesk'], $input);
    },
];
if (Modules_Nsbridge_Slot::passesOn()) {
    $calls[] = static function () use ($input) {
        return Modules_Nsbridge_Slot::passOn($input);
    };
}

// One that fails does not keep the input from the other.
$status = 0;
foreach ($calls as $call) {
    try {
        $said = $call();
    } catch (pm_Exception $error) {
        $said = [
            'status' => Modules_Nsbridge_Program::UNUSABLE,
            'stdout' => '',
            'stderr' => "{$error->getMessage()}\n",
        ];
    }
    fwrite(STDOUT, $said['stdout']);
    fwrite(STDERR, $said['stderr']);
    $status = $status ?: $said['status'];
}
exit($status);
