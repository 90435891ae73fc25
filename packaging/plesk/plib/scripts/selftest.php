<?php

// Prints what the project cannot know without a Plesk, to be pasted into a report. It changes nothing and has no secrets.
//
//     plesk bin extension --exec nsbridge selftest.php

pm_Loader::registerAutoload();
pm_Context::init('nsbridge');

$user = static function ($id) {
    $entry = function_exists('posix_getpwuid') ? posix_getpwuid($id) : null;
    return $entry ? $entry['name'] : (string) $id;
};
$bits = static function (string $path) use ($user) {
    if (!file_exists($path)) {
        return 'absent, or not to be seen';
    }
    $isWritable = is_writable($path) ? 'writable' : 'not writable';
    return sprintf('%04o %s, %s', fileperms($path) & 07777, $user(fileowner($path)), $isWritable);
};
$plib = rtrim(pm_Context::getPlibDir(), '/');
$directory = Modules_Nsbridge_Configuration::directory();

$facts = [
    'Plesk' => static function () {
        return pm_ProductInfo::getVersion() . ' on ' . pm_ProductInfo::getOsName() . ' '
            . pm_ProductInfo::getOsVersion();
    },
    'PHP' => static function () {
        return PHP_VERSION . ' ' . PHP_SAPI . ', memory ' . ini_get('memory_limit') . ', time '
            . ini_get('max_execution_time');
    },
    'processor' => static function () {
        return php_uname('m');
    },
    'user' => static function () use ($user) {
        return function_exists('posix_geteuid') ? $user(posix_geteuid()) : get_current_user() . ' (owner of the script)';
    },
    'product root' => [pm_ProductInfo::class, 'getProductRootDir'],
    "bits of $plib/bin" => static function () use ($plib, $bits) {
        return $bits("$plib/bin");
    },
    'program' => static function () use ($bits) {
        $path = Modules_Nsbridge_Program::path();
        return "$path: {$bits($path)}";
    },
    'version' => static function () {
        return trim(Modules_Nsbridge_Program::execute([Modules_Nsbridge_Program::path(), '--version'], tmpfile())['stdout']);
    },
    "bits of $directory" => static function () use ($directory, $bits) {
        return $bits($directory);
    },
    'files there' => static function () use ($directory, $bits) {
        $lines = [];
        foreach (glob("$directory/*") as $path) {
            $lines[] = basename($path) . ": {$bits($path)}";
        }
        return implode('; ', $lines);
    },
    'state' => static function () use ($bits) {
        $state = Modules_Nsbridge_Configuration::state();
        return "$state: {$bits($state)}; queue.db: {$bits("$state/queue.db")}";
    },
    'slot' => static function () {
        $holder = Modules_Nsbridge_Slot::holder();
        return $holder === Modules_Nsbridge_Slot::command() ? "nsbridge: $holder" : "another: $holder";
    },
    'previous holder' => [Modules_Nsbridge_Slot::class, 'previous'],
    'domains' => static function () {
        return (string) count(Modules_Nsbridge_Zones::names());
    },
    'configuration' => static function () {
        $checked = Modules_Nsbridge_Program::ask(['config', 'check']);
        return Modules_Nsbridge_Words::messages($checked) ?: 'valid';
    },
    'dry run' => static function () {
        foreach (Modules_Nsbridge_Zones::names() as $name) {
            try {
                $update = Modules_Nsbridge_Zones::update($name);
            } catch (pm_Exception $error) {
                continue;
            }
            $said = Modules_Nsbridge_Program::ask(['plesk', '--dry-run'], json_encode([$update]));
            $types = array_count_values(array_column($update['zone']['rr'], 'type'));
            $codes = array_column($said['messages'], 'code');
            return "status {$said['status']}, types " . json_encode($types) . ', codes ' . json_encode($codes);
        }
        return 'no domain has a zone that Plesk sends';
    },
];

echo "nsbridge selftest\n";
foreach ($facts as $name => $fact) {
    try {
        $said = $fact();
    } catch (Throwable $error) {
        $said = 'FAILED: ' . get_class($error) . ": {$error->getMessage()}";
    }
    echo "  $name: " . preg_replace('/\s+/', ' ', (string) $said) . "\n";
}
