// What the pages use of the panel's scripts; both calls are in the views of plesk/ext-slave-dns-manager.
var Jsw = {
    onReady: function (callback) { document.addEventListener('DOMContentLoaded', callback); },
    redirectPost: function (url, data) {
        var form = document.createElement('form');
        form.method = 'post';
        form.action = url;
        var fields = Object.assign({}, data);
        fields.forgery_protection_token = document.querySelector('meta[name=forgery_protection_token]').content;
        Object.keys(fields).forEach(function (name) {
            var input = document.createElement('input');
            input.type = 'hidden';
            input.name = name;
            input.value = fields[name];
            form.appendChild(input);
        });
        document.body.appendChild(form);
        form.submit();
    }
};
// Forms are sent in the background; the answer is a redirection, or the page with the errors.
Jsw.onReady(function () {
    document.querySelectorAll('form.pm-form').forEach(function (form) {
        form.addEventListener('submit', function (event) {
            event.preventDefault();
            fetch(form.getAttribute('action') || location.href, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
                .then(function (answer) { return answer.text(); })
                .then(function (text) {
                    if (text.indexOf('{"redirect"') === 0) {
                        location.href = JSON.parse(text).redirect;
                        return;
                    }
                    document.open();
                    document.write(text);
                    document.close();
                });
        });
    });
});
